import { CodedError } from '../errors.ts';

/** A source of Ignition that does not decode; the message says where in it. */
export class DataUrlError extends CodedError<'ERR_DATA_URL_SCHEME' | 'ERR_DATA_URL_SYNTAX'> {}

/** The bytes a `data:` URL stands for (RFC 2397): percent-encoded, or base64 when it says so. */
export function decodeDataUrl(url: string): Buffer {
  if (!/^data:/i.test(url)) {
    const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0] ?? 'no scheme';
    throw new DataUrlError('ERR_DATA_URL_SCHEME', `expected a data: URL, found ${scheme}`);
  }
  const comma = url.indexOf(',');
  if (comma === -1) throw new DataUrlError('ERR_DATA_URL_SYNTAX', 'expected a comma, found none');
  const isBase64 = /;\s*base64\s*$/i.test(url.slice('data:'.length, comma));
  const bytes = decodePercent(url.slice(comma + 1), comma + 1);
  return isBase64 ? decodeBase64(bytes.toString('latin1')) : bytes;
}

function decodePercent(text: string, offset: number): Buffer {
  if (!text.includes('%')) return Buffer.from(text, 'utf8');
  const chunks: Buffer[] = [];
  let from = 0;
  for (let at = text.indexOf('%'); at !== -1; at = text.indexOf('%', from)) {
    const hex = text.slice(at + 1, at + 3);
    if (!/^[0-9a-f]{2}$/i.test(hex)) {
      const message = `expected two hexadecimal digits after % at character ${offset + at + 1}`;
      throw new DataUrlError('ERR_DATA_URL_SYNTAX', message);
    }
    chunks.push(Buffer.from(text.slice(from, at), 'utf8'), Buffer.from(hex, 'hex'));
    from = at + 3;
  }
  chunks.push(Buffer.from(text.slice(from), 'utf8'));
  return Buffer.concat(chunks);
}

/** Node's own decoder takes anything; a damaged source must not pass as other content. */
function decodeBase64(text: string): Buffer {
  const compact = text.replace(/[\r\n]/g, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) {
    throw new DataUrlError('ERR_DATA_URL_SYNTAX', 'expected base64 with its padding');
  }
  return Buffer.from(compact, 'base64');
}
