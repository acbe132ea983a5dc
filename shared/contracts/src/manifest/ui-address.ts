const NOWHERE = 'http://plugin.invalid';

/** A path below a plugin's routes: absolute, without a host, and meaning what it says. */
export function isOwnPath(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- a path with control characters is what is looked for
  if (!/^\/(?!\/)/.test(text) || /[\u0000-\u0020\\#]/.test(text)) return false;
  const url = URL.parse(text, NOWHERE);
  // A parser that changes the path has found `..` in it, written out or escaped.
  return url?.origin === NOWHERE && url.pathname === encodedAsUrl(text);
}

/** What a page may show in a frame: a path of the plugin's own, or an https address without a password in it. */
export function isFrameAddress(text: string): boolean {
  if (isOwnPath(text)) return true;
  const url = /^https:\/\//i.test(text) ? URL.parse(text) : null;
  return url !== null && url.username === '' && url.password === '';
}

function encodedAsUrl(path: string): string {
  const onlyPath = path.split('?', 1)[0] ?? '';
  // Letters beyond ASCII are escaped by every URL parser; that changes no meaning.
  return onlyPath.replaceAll(/[^\x21-\x7e]+|["<>^`{}]/g, (letters) => encodeURIComponent(letters.toWellFormed()));
}
