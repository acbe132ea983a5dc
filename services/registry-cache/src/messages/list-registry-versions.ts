import { answering, type QuestionAnswer } from '@verifywise/broker';
import { ListRegistryVersions } from '@verifywise/contracts';
import type { ListVersions } from '../registries/find-entry.ts';

export function answerListRegistryVersions(listVersions: ListVersions): QuestionAnswer {
  return answering(ListRegistryVersions, listVersions);
}
