import type { ErrorCode } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';

/** What a plugin hands over, as it travels on; throws the error of its caller when there is a cycle in it, or a bigint. */
export function asJson(value: unknown, { what, code }: { what: string; code: ErrorCode }): string {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text ?? 'null';
  } catch (error) {
    throw new PlatformError(code, `${what} cannot be written as JSON: ${(error as Error).message}`);
  }
}
