export { eventText } from '../../shared/event-text.ts';
