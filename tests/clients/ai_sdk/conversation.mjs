// One conversation as a page has it: the chat of an `ai` package with its default transport.
//
//   node conversation.mjs '{"package": …, "api": …, "questions": […], "stop"?: true, "transport"?: …}'
//
// Prints one line of JSON: the messages as the page would show them, and the chat's status and
// error after each question. `stop` stops each answer at its first words. `transport` is the code
// of a transport of one's own. The program ends with its standard input, so that until then
// nobody but the package closes a connection.

const options = JSON.parse(process.argv[2]);
const { AbstractChat, DefaultChatTransport } = await import(options.package);

// What a page's framework adds to the chat: a place for the messages.
class Page {
  status = "ready";
  error = undefined;
  messages = [];
  pushMessage = (message) => this.messages.push(message);
  popMessage = () => this.messages.pop();
  replaceMessage = (index, message) => {
    this.messages[index] = message;
    if (options.stop && message.parts.some((part) => part.text)) chat.stop();
  };
  snapshot = (value) => structuredClone(value);
}

class Chat extends AbstractChat {}

const transport = options.transport
  ? new Function("DefaultChatTransport", `${options.transport}; return transport;`)(
      DefaultChatTransport,
    )
  : new DefaultChatTransport({ api: options.api });

const chat = new Chat({ state: new Page(), transport });
const turns = [];
for (const text of options.questions) {
  await chat.sendMessage({ text });
  turns.push({ status: chat.status, error: chat.error?.message ?? null });
}
console.log(JSON.stringify({ messages: chat.messages, turns }));
process.stdin.resume();
