export { mountOther as mountMarkdown } from './other';
