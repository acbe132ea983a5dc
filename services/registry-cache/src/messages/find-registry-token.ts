import { answering, type QuestionAnswer } from '@verifywise/broker';
import { FindRegistryToken } from '@verifywise/contracts';
import type { FindToken } from '../registries/find-token.ts';

export function answerFindRegistryToken(findToken: FindToken): QuestionAnswer {
  return answering(FindRegistryToken, findToken);
}
