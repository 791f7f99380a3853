import { type DerElement, DerError, type DerReader, TAG } from './der.ts';

/** From the first to the last moment, both included, in milliseconds since 1970. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Reads the two times of a certificate (RFC 5280 §4.1.2.5). Throws `DerError`. */
export function readValidity(times: DerReader): Validity {
  return { notBeforeMs: readTime(times.element()), notAfterMs: readTime(times.element()) };
}

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(Z|[+-]\d{4})$/;
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(Z|[+-]\d{4})$/;

function readTime({ tag, content }: DerElement): number {
  const isUtc = tag === TAG.utcTime;
  if (!isUtc && tag !== TAG.generalizedTime) throw new DerError('expected a time');
  const match = (isUtc ? UTC_TIME : GENERALIZED_TIME).exec(Buffer.from(content).toString('latin1'));
  if (match === null) throw new DerError('expected a time in the form of its type');
  const [, years = '', month = '', day = '', hour = '', minute = '', second = '00', zone = ''] =
    match;
  // Two digits: 50 to 99 are of the last century.
  const year = isUtc ? `${years >= '50' ? '19' : '20'}${years}` : years;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const ms = Date.parse(text);
  // Date.parse takes 24:00:00, and 30 February in some engines: a real time reads the same when written again.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== text) {
    throw new DerError('expected a time that exists');
  }
  return ms - offsetMs(zone);
}

function offsetMs(zone: string): number {
  if (zone === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3));
  if (hours > 24 || minutes > 59 || hours + minutes === 0)
    throw new DerError('expected a time zone');
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
