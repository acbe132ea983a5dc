// Throws in the hook that its settings name.
const hooks = ['onInstall', 'onLoad', 'onEnable', 'onDisable', 'onUnload', 'onUninstall'];
module.exports = Object.fromEntries(
  hooks.map((hook) => [
    hook,
    (context) => {
      if (context.config.get('throws') === hook) throw new Error(`thrown in ${hook}`);
    },
  ]),
);
