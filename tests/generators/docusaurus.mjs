// Reads {"text": …} a line; prints the headings and the text that Docusaurus itself finds in it.
import {createInterface} from 'node:readline';
import {createRequire} from 'node:module';
import math from 'remark-math';
import {toString} from 'mdast-util-to-string';
import {SKIP, visit} from 'unist-util-visit';

const require = createRequire(import.meta.url);
const {createProcessorUncached} = require('@docusaurus/mdx-loader/lib/processor.js');
const {default: preprocess} = require('@docusaurus/mdx-loader/lib/preprocessor.js');

const markdownConfig = {
  format: 'mdx',
  mermaid: false,
  emoji: false,
  mdx1Compat: {comments: true, admonitions: true, headingIds: true},
  anchors: {maintainCase: false},
  remarkRehypeOptions: {},
  hooks: {onBrokenMarkdownLinks: 'ignore', onBrokenMarkdownImages: 'ignore'},
};

// The files that links and images name are not there: they lead elsewhere instead.
const offline = () => (root) =>
  visit(root, ['image', 'link', 'definition'], (node) => { node.url = 'https://a.example/b'; });

const collect = () => (root, file) => {
  file.data.headings = [];
  file.data.words = [];
  visit(root, (node) => {
    if (node.type === 'heading') {
      file.data.headings.push([node.depth, node.data.id]);
      file.data.words.push(toString(node));
      return SKIP;
    }
    if (['text', 'inlineCode', 'code', 'math', 'inlineMath'].includes(node.type))
      file.data.words.push(node.value);
    if (node.type === 'image' && node.alt) file.data.words.push(node.alt);
    return undefined;
  });
};

const options = {
  beforeDefaultRemarkPlugins: [offline],
  remarkPlugins: [math, collect],
  admonitions: true,
  staticDirs: [],
  siteDir: '/',
  markdownConfig,
};
const processor = await createProcessorUncached({options, format: 'mdx'});
for await (const line of createInterface({input: process.stdin})) {
  const {text} = JSON.parse(line);
  const content = preprocess({fileContent: text, filePath: 'page.mdx', markdownConfig, admonitions: true});
  const input = {content, filePath: 'page.mdx', frontMatter: {}, compilerName: 'client'};
  const {data} = await processor.process(input);
  console.log(JSON.stringify({headings: data.headings, text: data.words.join('\n')}));
}
