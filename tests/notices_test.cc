// A citizen is told of a look through Kannel, Debian's SMS gateway, and anybody can check the
// message: from the page on which the number is chosen to the page that says it is genuine.

#include <arpa/inet.h>
#include <sys/socket.h>

#include <chrono>
#include <regex>
#include <thread>

#include "node.h"
#include "pages.h"
#include "process.h"

namespace amanat::test {
namespace {

constexpr const char* kAtOnce = R"(
[[purpose]]
id = "counter-check"
says = "a check at a counter that the citizen is told of at once"
law = "an invented law, section 3"
notice = "at_once"
[[quota]]
id = "counter-quota"
distinct_subjects = [{ per = "officer", n = 1000 }]
[[grant]]
id = "N01"
says = "A name at a counter"
roles = ["investigator"]
purposes = ["counter-check"]
fields = ["identity.persons.name"]
quota = "counter-quota"
)";

int free_port() {
  const int s = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  insist(::bind(s, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  ::getsockname(s, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(s);
  return ntohs(address.sin_port);
}

bool listens(int port) {
  const int s = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool yes = ::connect(s, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(s);
  return yes;
}

/// Kannel is bearerbox, smsbox and a phone network that writes down what it gets.
class Kannel {
 public:
  explicit Kannel(const fs::path& folder) : folder_(folder), port(free_port()) {
    const int admin = free_port(), box = free_port(), network = free_port();
    fs::create_directories(folder);
    write_all(
        folder / "kannel.conf",
        "group = core\nadmin-port = " + std::to_string(admin) +
            "\nadmin-password = none\nsmsbox-port = " + std::to_string(box) +
            "\nbox-allow-ip = \"127.0.0.1\"\nssl-server-cert-file = \"" +
            (folder / "gateway.pem").string() + "\"\nssl-server-key-file = \"" +
            (folder / "gateway.key").string() +
            "\"\n\ngroup = smsc\nsmsc = fake\nsmsc-id = fake\nport = " + std::to_string(network) +
            "\nconnect-allow-ip = 127.0.0.1\n\ngroup = smsbox\nbearerbox-host = "
            "127.0.0.1\nsendsms-port = " +
            std::to_string(port) +
            "\nsendsms-port-ssl = true\n\ngroup = sendsms-user\nusername = "
            "amanat\npassword = secret-of-test\nmax-messages = 10\nconcatenation = true\n");
    const Ran made =
        run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
            "-keyout '" +
            (folder / "gateway.key").string() + "' -out '" + (folder / "gateway.pem").string() +
            "' -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost");
    EXPECT_EQ(made.status, 0) << made.said;
    const std::string conf = (folder / "kannel.conf").string();
    start("/usr/sbin/bearerbox", {"-v", "4", conf});
    EXPECT_TRUE(awaited([&] { return listens(network) && listens(box); }));
    start("/usr/sbin/smsbox", {"-v", "4", conf});
    EXPECT_TRUE(awaited([&] { return listens(port); }));
    start("/usr/lib/kannel/test/fakesmsc", {"-H", "127.0.0.1", "-r", std::to_string(network), "-m",
                                            "2", "-i", "3600", "100 200 text start"});
    EXPECT_TRUE(awaited([&] { return said().find("sent message") != std::string::npos; }));
  }
  ~Kannel() {
    for (auto it = running_.rbegin(); it != running_.rend(); ++it) {
      ::kill(*it, SIGKILL);
      ::waitpid(*it, nullptr, 0);
    }
  }
  template <class F>
  static bool awaited(F&& done) {
    for (int tries = 0; tries < 300; ++tries) {
      if (done()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }
  std::string said() const { return read_all(folder_ / "said"); }
  /// delivered is the text of the last message a phone got, as ASCII (other letters as "?").
  std::string delivered(const std::string& number) const {
    const std::string all = said();
    std::string text;
    // Whole ("ucs-2 ..."), or in parts with a header ("udh ... data ...").
    for (std::size_t at = all.find("+" + number + " "); at != all.npos;
         at = all.find("+" + number + " ", at + 1)) {
      const std::size_t end = all.find(">\n", at);
      const std::string line = all.substr(at, end - at);
      const std::size_t data = line.find(" data "), whole = line.find(" ucs-2 ");
      if (data != line.npos)
        text += ascii(line.substr(data + 6));
      else if (whole != line.npos)
        text += ascii(line.substr(whole + 7));
    }
    return text;
  }

 private:
  // fakesmsc writes UCS-2 with anything but letters and digits as %XX.
  static std::string ascii(const std::string& written) {
    std::string bytes, out;
    for (std::size_t i = 0; i < written.size(); ++i)
      if (written[i] == '%') {
        bytes.push_back(static_cast<char>(std::stoi(written.substr(i + 1, 2), nullptr, 16)));
        i += 2;
      } else {
        bytes.push_back(written[i] == '+' ? ' ' : written[i]);
      }
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
      out.push_back(bytes[i] == 0 ? bytes[i + 1] : '?');
    return out;
  }
  void start(const std::string& program, const std::vector<std::string>& arguments) {
    const pid_t child = ::fork();
    if (child == 0) {
      const int out = ::open((folder_ / "said").c_str(), O_CREAT | O_APPEND | O_WRONLY, 0600);
      ::dup2(out, 1);
      ::dup2(out, 2);
      std::vector<char*> argv{const_cast<char*>(program.c_str())};
      for (const auto& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
      argv.push_back(nullptr);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    running_.push_back(child);
  }
  fs::path folder_;
  std::vector<pid_t> running_;

 public:
  int port;
};

TEST(NoticesByKannel, ACitizenIsToldOfALookAndTheMessageCanBeChecked) {
  World::more_policy = {{"zz_more.toml", kAtOnce}};
  PasskeyWorld w;
  World::more_policy.clear();
  Kannel kannel(w.world.directory.path / "kannel");
  write_all(w.world.directory.path / "gateway.password", "secret-of-test\n");
  write_all(w.world.home / "notices.toml",
            "gateway = \"https://localhost:" + std::to_string(kannel.port) +
                "/cgi-bin/sendsms\"\nca = \"" +
                (w.world.directory.path / "kannel/gateway.pem").string() +
                "\"\nuser = \"amanat\"\npassword_file = \"" +
                (w.world.directory.path / "gateway.password").string() +
                "\"\nsender = \"8171\"\npage = \"amanat.example\"\n");
  w.world.reopen();
  w.world.serve();
  w.origin = "https://localhost:" + w.world.url.substr(w.world.url.rfind(':') + 1);
  const auto open = w.world.open_cases("fir").at(0);

  auto ticket = w.world.exchange->citizen_code({SubjectKind::national_id, open.citizen}, nullptr);
  ASSERT_TRUE(ticket);
  Officer self{ticket->account, w.authenticator(), w.authenticator(), w.page()};
  self.first.synced = true;
  ASSERT_TRUE(self.page.enrol(self.first, ticket->code, {.format = "none"}));
  w.sign_in(self);
  auto connected = w.world.client("");
  ASSERT_TRUE(connected);
  Browser page(*std::move(connected), w.origin);
  page.cookie = self.page.cookie;
  EXPECT_EQ(page.post("/me/notices", "number=12").status, 422u);
  const Response chosen = page.post("/me/notices", "number=" + encoded("0300-1234567"));
  ASSERT_EQ(chosen.status, 200u) << chosen.body;
  EXPECT_NE(chosen.body.find("567"), chosen.body.npos);
  EXPECT_EQ(chosen.body.find("1234567"), chosen.body.npos);

  Officer officer = w.officer(open.officer);
  auto answer = officer.page.ask(officer.first,
                                 World::question("\"national_id\":\"" + open.citizen + "\"",
                                                 "\"identity.persons.name\"", "counter-check", open.ref));
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 200u) << answer->body;
  ASSERT_TRUE(Kannel::awaited([&] {
    return kannel.delivered("923001234567").find("genuine") != std::string::npos;
  })) << kannel.said();
  const std::string text = kannel.delivered("923001234567");
  EXPECT_NE(text.find("your record was looked at"), text.npos) << text;
  std::smatch found;
  ASSERT_TRUE(std::regex_search(text, found, std::regex("Code ([0-9A-Z]{5}-[0-9A-Z]{5})")));

  // Anybody, without signing in.
  auto another = w.world.client("");
  ASSERT_TRUE(another);
  Browser anybody(*std::move(another), w.origin);
  const std::string code = found[1].str();
  const Response genuine =
      anybody.post("/notice", "code=" + code + "&number=" + encoded("+92 300 1234567"));
  ASSERT_EQ(genuine.status, 200u);
  EXPECT_NE(genuine.body.find("Genuine."), genuine.body.npos) << genuine.body;
  EXPECT_EQ(header(genuine, "cache-control"), "no-store");
  for (const std::string& form : std::vector<std::string>
       {"code=" + code + "&number=03009999999", std::string("code=00000-00000&number=03001234567"),
        std::string("code=&number=")}) {
    const Response forged = anybody.post("/notice", form);
    EXPECT_EQ(forged.status, 200u);
    EXPECT_EQ(forged.body.find("Genuine."), forged.body.npos);
    EXPECT_NE(forged.body.find("somebody forged it"), forged.body.npos) << forged.body;
  }
  unsigned last = 200;
  for (int i = 0; i < 12 && last == 200; ++i)
    last = anybody.post("/notice", "code=00000-00000&number=03001234567").status;
  EXPECT_EQ(last, row_of(Reason::too_many_guesses).http_status);
}

}  // namespace
}  // namespace amanat::test
