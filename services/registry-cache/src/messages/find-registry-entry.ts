import { answering, type QuestionAnswer } from '@verifywise/broker';
import { FindRegistryEntry } from '@verifywise/contracts';
import type { FindEntry } from '../registries/find-entry.ts';

export function answerFindRegistryEntry(findEntry: FindEntry): QuestionAnswer {
  return answering(FindRegistryEntry, findEntry);
}
