import type { ErrorCode } from '@verifywise/contracts';
import type { WireError } from '../isolate/protocol.ts';
import type { Mask } from '../logs/loggable.ts';
import { loggableText } from '../logs/loggable.ts';

/** Reads an error that came out of an isolate. */
export type ToldError = (error: WireError) => WireError;

/**
 * Every error of a plugin is told as this: without its secrets, as long as somebody reads, and as every database and every broker
 * can keep it. Nothing else of what an isolate calls an error goes any further.
 */
export function toldError(
  { message, code, stack, answered }: { [Part in keyof WireError]: unknown },
  mask: Mask,
): WireError {
  const text = (value: unknown) => loggableText(String(value), mask);
  return {
    message: text(message),
    ...(typeof code === 'string' ? { code: text(code) as ErrorCode } : {}),
    ...(typeof stack === 'string' ? { stack: text(stack) } : {}),
    ...(answered === true ? { answered } : {}),
  };
}
