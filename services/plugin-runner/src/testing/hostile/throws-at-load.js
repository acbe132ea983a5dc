// Does not load.
throw new Error('thrown at load');
