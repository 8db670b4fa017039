export { mountOther as mountTable } from './other';
