// Begins answers and does not finish them.
module.exports = {
  webhooks: () => ({
    half: {
      handler(req, res) {
        res.setHeader('content-length', '1000');
        res.write('half');
        res.socket.destroySoon();
      },
    },
  }),
  routes(router) {
    router.get('/stops', (req, res) => {
      res.setHeader('content-length', '1000');
      res.write('half');
    });
    router.get('/destroys', (req, res) => {
      res.write('half');
      setTimeout(() => res.destroy(), 20);
    });
    router.get('/nothing', (req, res) => res.destroy());
    router.get('/garbage', (req, res) => res.socket.end('this is no HTTP\r\n\r\n'));
    router.get('/too-much', (req, res) => {
      res.socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmore');
    });
    router.get('/large-headers', (req, res) => {
      res.socket.end(`HTTP/1.1 200 OK\r\nx-large: ${'x'.repeat(2_000_000)}\r\n\r\n`);
    });
    router.get('/odd-headers', (req, res) => {
      res.socket.end(
        'HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ntransfer-encoding: chunked, gzip\r\ncontent-length: 5\r\n\r\n0\r\n\r\n',
      );
    });
  },
};
