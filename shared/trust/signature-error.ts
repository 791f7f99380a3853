import { CodedError } from '../errors.ts';
import type { Rejection } from './verdict-types.ts';

/** A signature, or what it needs, was refused; the code is the class that a verdict will name. */
export class SignatureError extends CodedError<Rejection> {}
