export { mountOther as mountDisplay } from './other';
