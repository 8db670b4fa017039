export { mountOther as mountLink } from './other';
