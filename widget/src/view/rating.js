import { button, h } from "../dom.js";

/** @import { Feedback, Turn } from "../types.js" */
/** @import { Strings } from "../strings.js" */

const REASONS = /** @type {const} */ (["incorrect", "incomplete", "outdated", "unclear"]);

/**
 * Whether an answer helped, and if not, why.
 *
 * @param {Turn} turn
 * @param {Strings} strings
 * @param {(feedback: Omit<Feedback, "id">) => Promise<void>} send
 */
export function ratingView(turn, strings, send) {
  const up = button("up", strings.up, () => tell({ thumb: "up" }));
  // The thumb is sent at once, so that it counts even if no reason follows.
  const down = button("down", strings.down, () => tell({ thumb: "down" }));
  const said = h("p", { role: "status" });
  const reasons = h("div", { class: "reasons" });
  show();
  return h("div", { class: "rating" }, up, down, said, reasons);

  function show() {
    up.ariaPressed = String(turn.thumb === "up");
    down.ariaPressed = String(turn.thumb === "down");
  }

  /** @param {Omit<Feedback, "id">} feedback */
  async function tell(feedback) {
    const asksWhy = feedback.thumb === "down" && !feedback.reason;
    try {
      await send(feedback);
      said.textContent = asksWhy ? strings.why : strings.thanks;
      reasons.replaceChildren(...(asksWhy ? REASONS.map(choice) : []));
    } catch {
      said.textContent = strings.unsent;
    }
    show();
  }

  /** @param {(typeof REASONS)[number]} reason */
  function choice(reason) {
    const click = () => tell({ thumb: "down", reason });
    return h("button", { type: "button", click }, strings[reason]);
  }
}
