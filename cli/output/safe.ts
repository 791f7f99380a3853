export { safeJson, safeText } from '../../shared/safe-text.ts';
