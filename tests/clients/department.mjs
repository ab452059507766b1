// A department's HTTPS interface for tests: POST /lookup with {"cnic": ID, "want": [columns]} returns
// {"data": {"items": [records]}}. How it behaves is read from a file before every request.
// Arguments: port file, mode file, log file, certificate, key, CA of clients.
import fs from 'node:fs';
import https from 'node:https';

const [portFile, modeFile, logFile, cert, key, ca] = process.argv.slice(2);
const register = {
  '3520281848771': [
    { CNIC: '35202-8184877-1', 'Reg No': 'LEA-07-1234', Make: 'Suzuki Mehran', Registered: '2007-03-01', Seats: 4 },
    { CNIC: '35202-8184877-1', 'Reg No': 'LEB-19-77', Make: 'Honda CD 70', Registered: '2019-11-30', Seats: 2 },
  ],
};
const pick = (record, want) => Object.fromEntries(Object.entries(record).filter(([name]) => want.includes(name)));

const server = https.createServer(
  { cert: fs.readFileSync(cert), key: fs.readFileSync(key), ca: fs.readFileSync(ca), requestCert: true, rejectUnauthorized: false },
  (request, response) => {
    const mode = fs.readFileSync(modeFile, 'utf8').trim();
    let text = '';
    request.on('data', (part) => { text += part; });
    request.on('end', () => {
      fs.appendFileSync(logFile, `${request.method} ${request.url} ${request.headers.authorization ?? '-'} ` +
        `${request.socket.authorized} ${text}\n`);
      const send = (status, body) => {
        response.writeHead(status, { 'Content-Type': 'application/json' });
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
      };
      const asked = JSON.parse(text);
      const found = register[asked.cnic.replaceAll('-', '')];
      const items = (found ?? []).map((record) => pick(record, asked.want));
      switch (mode) {
        case 'up': return found ? send(200, { data: { items } }) : send(404, {});
        case 'extra': return send(200, { data: { items: found.map((r) => ({ ...r, Secret: 'not asked' })) } });
        case 'slow': return;  // and never answers
        case 'cut':
          response.writeHead(200, { 'Content-Length': '1000' });
          response.write('{"data":');
          return setTimeout(() => request.socket.destroy(), 20);
        case 'large': return send(200, JSON.stringify({ data: { items: [{ 'Make': 'x'.repeat(4 << 20) }] } }));
        case 'many': return send(200, { data: { items: Array(200).fill(items[0]) } });
        case 'deep': return send(200, '['.repeat(100000));
        case 'html': return send(200, '<html>maintenance</html>');
        case 'shape': return send(200, { data: { items: 'none' } });
        case 'types': return send(200, { data: { items: [{ ...items[0], Make: { a: 1 } }] } });
        case 'dirty': return send(200, { data: { items: [{ ...items[0], Registered: '31-02-2007' }, items[1]] } });
        case 'key': return send(200, { data: { items: [{ ...items[0], 'Reg No': '' }] } });
        case 'twice': return send(200, { data: { items: [items[0], { ...items[0], Make: 'Other' }] } });
        case 'stranger': return send(200, { data: { items: [{ ...items[0], CNIC: '35202-0000000-1' }] } });
        case 'refuse': return send(401, {});
        case 'redirect':
          response.writeHead(302, { Location: 'https://elsewhere.test/' });
          return response.end();
        default: return send(500, {});
      }
    });
  });
server.listen(0, '127.0.0.1', () => fs.writeFileSync(portFile, `${server.address().port}\n`));
