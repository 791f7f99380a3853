export { requirementText, scopeText, signatureText } from '../../shared/trust-text.ts';
