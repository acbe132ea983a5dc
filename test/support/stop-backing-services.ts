import { keptForTeardown } from './backing-services.ts';

export default async function stopBackingServicesForTests(): Promise<void> {
  await keptForTeardown()?.stop();
}
