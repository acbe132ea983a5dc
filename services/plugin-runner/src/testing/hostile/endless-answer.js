// Answers a gigabyte, as fast as it is read.
const { Readable } = require('node:stream');
module.exports = {
  routes(router) {
    router.get('/harm', (req, res) => {
      const part = Buffer.alloc(1024 * 1024, 1);
      let parts = 0;
      new Readable({
        read() {
          parts += 1;
          this.push(parts > 1_024 ? null : part);
        },
      }).pipe(res);
    });
  },
};
