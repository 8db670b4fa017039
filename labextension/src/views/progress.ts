export { mountOther as mountProgress } from './other';
