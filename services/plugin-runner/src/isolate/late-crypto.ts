/** Node's crypto, loaded when it is first needed: it is a tenth of an isolate's start. */
export function crypto() {
  return process.getBuiltinModule('node:crypto');
}
