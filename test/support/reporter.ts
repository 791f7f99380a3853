import { Transform, type TransformCallback } from 'node:stream';
import { Parser, type Result } from 'tap-parser';

/** tap reporter for people and CI: each failure with its place and diff, each skip by name, one closing line. */
export default class Reporter extends Transform {
  readonly #parser: Parser = new Parser();
  #passed = 0;
  #failed = 0;
  readonly #skipped: string[] = [];

  constructor() {
    super();
    this.#count(this.#parser);
  }

  /** The point that closes a subtest repeats its outcome and is left out, unless its process failed by itself. */
  #count(parser: Parser): void {
    let closing: { passed: boolean } | undefined;
    parser.on('child', (child: Parser) => {
      this.#count(child);
      closing = { passed: true };
      const own = closing;
      child.on('complete', (results: { ok: boolean }) => {
        own.passed = results.ok;
      });
    });
    parser.on('assert', (point: Result) => {
      const repeats = closing !== undefined && (point.ok || !closing.passed);
      closing = undefined;
      if (repeats && point.diag?.['exitCode'] === undefined) return;
      if (point.skip || point.todo) this.#skip(point);
      else if (point.ok) this.#passed++;
      else this.#fail(point);
    });
    parser.on('bailout', (reason: string) => {
      this.#failed++;
      this.push(`bail out: ${reason}\n`);
    });
  }

  #skip(point: Result): void {
    const why = typeof point.skip === 'string' ? point.skip : (point.todo ?? '');
    this.#skipped.push(`${point.fullname || point.name}: ${why}`);
  }

  #fail(point: Result): void {
    this.#failed++;
    const diag = point.diag ? JSON.stringify(point.diag, null, 2) : '';
    const diff = typeof point.diag?.['diff'] === 'string' ? `\n${point.diag['diff']}` : '';
    this.push(`not ok: ${point.fullname} > ${point.name}\n${diff || diag}\n`);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#parser.write(chunk);
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#parser.end();
    for (const name of this.#skipped) this.push(`skipped: ${name}\n`);
    this.push(`${this.#passed} passed, ${this.#failed} failed, ${this.#skipped.length} skipped\n`);
    done();
  }
}
