export { mountOther as mountImage } from './other';
