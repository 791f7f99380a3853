import { CodedError } from '../shared/errors.ts';

/** A file of the node that was read and does not say what its format asks: reason `parse` of the result `error`. */
export class ContentError<Code extends string> extends CodedError<Code> {
  /** The path as the node sees it. */
  readonly path: string;
  constructor(code: Code, path: string, message: string, options?: ErrorOptions) {
    super(code, `${path}: ${message}`, options);
    this.path = path;
  }
  /** The code of the result: the file is there and readable, its content is at fault. */
  readonly reason: string = 'parse';
}
