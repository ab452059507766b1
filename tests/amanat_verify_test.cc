// amanat-verify as an outsider runs it: the program itself, on folders, over HTTP and on receipts.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <set>
#include <thread>

#include "export_folder.h"
#include "ledger/audit.h"
#include "ledger/log_source.h"

namespace amanat::ledger {
namespace {

namespace fs = std::filesystem;

struct Ran {
  int exit_code = -1;
  std::string out, err;
};

// Runs the program with its output in files; no shell.
Ran run_verify(std::vector<std::string> words, const std::string& input = {}) {
  const TestFolder folder;
  const std::string program = std::string(AMANAT_BINARY_DIR) + "/amanat-verify";
  words.insert(words.begin(), program);
  write_text(folder.path() + "/in", input);
  const pid_t child = fork();
  if (child == 0) {
    const bool ready = std::freopen((folder.path() + "/in").c_str(), "r", stdin) != nullptr &&
                       std::freopen((folder.path() + "/out").c_str(), "w", stdout) != nullptr &&
                       std::freopen((folder.path() + "/err").c_str(), "w", stderr) != nullptr;
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (ready) execv(program.c_str(), arguments.data());
    _exit(127);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  return {WEXITSTATUS(status), read_text(folder.path() + "/out"),
          read_text(folder.path() + "/err")};
}

const std::string& vkey() {
  static const std::string text = test_signer().verifier().text();
  return text;
}

Ran verify_folder(const std::string& folder) {
  return run_verify({"--vkey", vkey(), "--dir", folder});
}

// Serves a folder over HTTP/1.1 until it is destroyed, counting requests and connections.
class TestServer {
 public:
  explicit TestServer(std::string folder)
      : folder_(std::move(folder)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TestServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::atomic<int> connections = 0, requests = 0;
  std::atomic<int> status_instead = 0;
  std::set<std::string> missing;

 private:
  void serve() {
    for (int peer; (peer = accept(listener_, nullptr, nullptr)) >= 0;) {
      ++connections;
      converse(peer);
      close(peer);
    }
  }
  void converse(int peer) {
    std::string buffer;
    for (char part[4096];;) {
      for (std::size_t end; (end = buffer.find("\r\n\r\n")) != buffer.npos;
           buffer.erase(0, end + 4)) {
        ++requests;
        const std::string path = buffer.substr(4, buffer.find(' ', 4) - 4);
        const bool there = !missing.contains(path) && fs::is_regular_file(folder_ + path);
        const int status = status_instead != 0 ? status_instead.load() : there ? 200 : 404;
        const std::string body =
            status == 200 ? read_text(folder_ + path) : "<html>not this</html>";
        const std::string reply = "HTTP/1.1 " + std::to_string(status) +
                                  " X\r\nContent-Length: " + std::to_string(body.size()) +
                                  "\r\n\r\n" + body;
        if (send(peer, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) return;
      }
      const ssize_t got = recv(peer, part, sizeof(part), 0);
      if (got <= 0) return;
      buffer.append(part, static_cast<std::size_t>(got));
    }
  }
  std::string folder_;
  int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

bool curl_is_there() { return std::system("command -v curl >/dev/null 2>&1") == 0; }

TEST(AmanatVerify, AnHonestFolderHoldsAtEveryWidth) {
  for (const std::uint64_t size : {0u, 1u, 255u, 256u, 257u, 1'000u, 65'535u, 65'536u, 65'537u}) {
    const TestFolder folder;
    export_folder(folder.path(), size);
    const Ran ran = run_verify({"--vkey", vkey(), "--dir", folder.path(), "--json"});
    EXPECT_EQ(ran.exit_code, 0) << size << ran.err << ran.out;
    EXPECT_NE(ran.out.find("{\"holds\":true,\"origin\":\"log.example.org/test\",\"size\":" +
                           std::to_string(size) + ","),
              ran.out.npos)
        << ran.out;
    EXPECT_NE(ran.out.find("\"entries\":" + std::to_string(size) + ","), ran.out.npos) << ran.out;
  }
}

TEST(AmanatVerify, SaysInWordsWhatItChecked) {
  const TestFolder folder;
  export_folder(folder.path(), 70'000);
  const Ran ran = verify_folder(folder.path());
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  for (const char* part :
       {"The log holds.", "log.example.org/test", "70,000 entries", "274 bundles, 277 tiles",
        "GENESIS 1\n", "DISCLOSURE 69,999\n", "2026-07-25T"})
    EXPECT_NE(ran.out.find(part), ran.out.npos) << part << "\n" << ran.out;
}

// Every file of a small log, every byte of it: one flipped bit is found wherever it is.
TEST(AmanatVerify, EveryFlippedByteOfAFolderIsFound) {
  const TestFolder folder;
  export_folder(folder.path(), 260);
  const auto log = parse_verifier_key(vkey());
  int flipped = 0;
  for (const auto& file : fs::recursive_directory_iterator(folder.path())) {
    if (!file.is_regular_file()) continue;
    const std::string good = read_text(file.path());
    // Of the checkpoint the grease lines may change: nobody can verify them, so nobody reads them.
    const bool note = file.path().filename() == "checkpoint";
    const std::size_t covered = note ? good.find("\n\u2014 grease.invalid") : good.size();
    for (std::size_t at = 0; at < covered; at += note ? 1 : 37) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
      write_text(file.path(), bad);
      const auto source = open_folder(folder.path());
      const auto audit = audit_log(*source, *log, {});
      ASSERT_TRUE(audit);
      EXPECT_NE(audit->problem, "") << file.path() << " byte " << at;
      ++flipped;
    }
    write_text(file.path(), good);
  }
  EXPECT_GT(flipped, 900);
  EXPECT_EQ(verify_folder(folder.path()).exit_code, 0);
}

TEST(AmanatVerify, ALostOrCutFileIsNamed) {
  const TestFolder folder;
  export_folder(folder.path(), 66'000);
  for (const char* name : {"tile/0/000", "tile/0/257.p/208", "tile/1/000", "tile/1/001.p/1",
                           "tile/2/000.p/1", "tile/entries/100", "tile/entries/257.p/208"}) {
    const fs::path path = fs::path(folder.path()) / name;
    const std::string good = read_text(path);
    fs::remove(path);
    Ran ran = verify_folder(folder.path());
    EXPECT_EQ(ran.exit_code, 1) << name;
    EXPECT_NE(ran.err.find("is missing"), ran.err.npos) << ran.err;
    for (const std::string& bad : {good.substr(0, good.size() - 1), good + "x", std::string()}) {
      write_text(path, bad);
      ran = verify_folder(folder.path());
      EXPECT_EQ(ran.exit_code, 1) << name;
      EXPECT_NE(ran.err.find(name), ran.err.npos) << ran.err;
    }
    write_text(path, good);
  }
  EXPECT_EQ(verify_folder(folder.path()).exit_code, 0);
}

TEST(AmanatVerify, AnotherKeyAnotherOriginOrAnotherRootDoesNotHold) {
  const TestFolder folder;
  const std::string good = export_folder(folder.path(), 300);
  Key256 seed;
  seed.mutable_bytes()[0] = 1;
  const NoteSigner impostor("log.example.org/test", seed), other("log.example.org/other", Key256{});
  EXPECT_EQ(run_verify({"--vkey", impostor.verifier().text(), "--dir", folder.path()}).exit_code,
            1);
  EXPECT_EQ(run_verify({"--vkey", other.verifier().text(), "--dir", folder.path()}).exit_code, 1);
  // The log's own key signs another root, another size.
  write_text(
      folder.path() + "/checkpoint",
      test_signer().sign(checkpoint_text("log.example.org/test", 300, leaf_hash("another root"))));
  const Ran ran = verify_folder(folder.path());
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_NE(ran.err.find("not the one the checkpoint signs"), ran.err.npos) << ran.err;
  write_text(folder.path() + "/checkpoint",
             test_signer().sign(checkpoint_text("log.example.org/test", 299, leaf_hash("r"))));
  EXPECT_EQ(verify_folder(folder.path()).exit_code, 1);
  write_text(folder.path() + "/checkpoint", good);
  EXPECT_EQ(verify_folder(folder.path()).exit_code, 0);
}

TEST(AmanatVerify, AnEntryOutOfFormOrOrderIsFoundInOurLogsOnly) {
  const auto out_of_form = [](std::uint64_t i) {
    return i == 5 ? std::string(106, '\x09') : test_entry(i);
  };
  const auto out_of_order = [](std::uint64_t i) { return test_entry(i == 5 ? 2 : i); };
  const auto foreign = [](std::uint64_t i) { return "line " + std::to_string(i); };
  const TestFolder form, order, other;
  export_folder(form.path(), 10, out_of_form);
  export_folder(order.path(), 10, out_of_order);
  export_folder(other.path(), 600, foreign);
  EXPECT_NE(verify_folder(form.path()).err.find("entry 5 is not in the form"), std::string::npos);
  EXPECT_NE(verify_folder(order.path()).err.find("entry 5 is older"), std::string::npos);
  EXPECT_EQ(verify_folder(other.path()).exit_code, 0)
      << "another conforming log may hold other entries";
}

TEST(AmanatVerify, AnOlderCheckpointMustBeAPrefix) {
  const TestFolder now, then, forked, files;
  export_folder(now.path(), 1'000);
  export_folder(forked.path(), 1'000,
                [](std::uint64_t i) { return test_entry(i == 0 || i == 400 ? i + 7 : i); });
  const std::string older = files.path() + "/older", odd = files.path() + "/odd";
  for (const std::uint64_t size : {0u, 1u, 256u, 700u, 1'000u}) {
    const TestFolder folder;
    write_text(older, export_folder(folder.path(), size));
    Ran ran = run_verify({"--vkey", vkey(), "--dir", now.path(), "--consistency", older, "--json"});
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    EXPECT_NE(ran.out.find("\"consistent_with\":" + std::to_string(size)), ran.out.npos) << ran.out;
    ran = run_verify({"--vkey", vkey(), "--dir", forked.path(), "--consistency", older});
    EXPECT_EQ(ran.exit_code, size == 0 ? 0 : 1);
    if (size != 0) {
      EXPECT_NE(ran.err.find("rewritten or forked"), ran.err.npos) << ran.err;
    }
  }
  write_text(older, export_folder(then.path(), 1'001));
  const Ran ran = run_verify({"--vkey", vkey(), "--dir", now.path(), "--consistency", older});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_NE(ran.err.find("rolled back"), ran.err.npos) << ran.err;
  write_text(odd, "no checkpoint");
  EXPECT_EQ(run_verify({"--vkey", vkey(), "--dir", now.path(), "--consistency", odd}).exit_code, 1);
  EXPECT_EQ(run_verify({"--vkey", vkey(), "--dir", now.path(), "--consistency", "/no/such/file"})
                .exit_code,
            2);
}

TEST(AmanatVerify, AServedLogHoldsUnderItsPrefixOrUnderLedger) {
  if (!curl_is_there()) GTEST_SKIP() << "curl is not installed";
  const TestFolder folder;
  export_folder(folder.path() + "/ledger", 70'000);
  TestServer server(folder.path());
  for (const std::string& url :
       {server.url(), server.url() + "/", server.url() + "/ledger", server.url() + "/ledger/"}) {
    const Ran ran = run_verify({"--vkey", vkey(), "--url", url, "--json"});
    EXPECT_EQ(ran.exit_code, 0) << ran.err << ran.out;
    EXPECT_NE(ran.out.find("\"size\":70000"), ran.out.npos);
  }
  // A page in the checkpoint's place is not mistaken for one, unless there is no other.
  write_text(folder.path() + "/checkpoint", "<html>welcome</html>");
  EXPECT_EQ(run_verify({"--vkey", vkey(), "--url", server.url()}).exit_code, 0);
  server.missing.insert("/ledger/checkpoint");
  EXPECT_EQ(run_verify({"--vkey", vkey(), "--url", server.url()}).exit_code, 1);
  EXPECT_LT(server.connections * 20, server.requests.load()) << "connections are to be shared";
}

TEST(AmanatVerify, AServersFaultsAreToldFromItsTroubles) {
  if (!curl_is_there()) GTEST_SKIP() << "curl is not installed";
  const TestFolder folder;
  export_folder(folder.path(), 600);
  std::string dead_url;
  {
    TestServer server(folder.path());
    dead_url = server.url();
    EXPECT_EQ(run_verify({"--vkey", vkey(), "--url", server.url() + "/elsewhere"}).exit_code, 2);
    server.status_instead = 500;
    const Ran broken = run_verify({"--vkey", vkey(), "--url", server.url()});
    EXPECT_EQ(broken.exit_code, 2);
    EXPECT_NE(broken.err.find("status 500"), broken.err.npos) << broken.err;
    server.status_instead = 0;
    server.missing.insert("/tile/entries/001");
    const Ran missing = run_verify({"--vkey", vkey(), "--url", server.url()});
    EXPECT_EQ(missing.exit_code, 1) << "a log that no longer shows its entries does not hold";
    EXPECT_NE(missing.err.find("tile/entries/001 is missing"), missing.err.npos) << missing.err;
    server.missing.clear();
    write_text(folder.path() + "/tile/0/001", std::string(8192, 'x'));
    EXPECT_EQ(run_verify({"--vkey", vkey(), "--url", server.url()}).exit_code, 1);
  }
  EXPECT_EQ(run_verify({"--vkey", vkey(), "--url", dead_url}).exit_code, 2);
  for (const char* url : {"ftp://127.0.0.1", "file:///etc", "https://a\"b", "https://a b",
                          "https://a\\b", "https://a/?q", "-x"})
    EXPECT_EQ(run_verify({"--vkey", vkey(), "--url", url}).exit_code, 2) << url;
}

struct Receipts {
  std::vector<std::string> texts;
  Receipts() {
    std::vector<Digest> leaves;
    for (std::uint64_t i = 0; i < 40; ++i) leaves.push_back(leaf_hash(test_entry(i)));
    BatchTree batch;
    batch.fold(CompactRange{}, leaves);
    const std::string note =
        test_signer().sign(checkpoint_text(test_signer().verifier().name, 40, batch.root()));
    std::vector<Digest> path;
    for (std::uint64_t i = 0; i < 40; ++i) {
      batch.path(i, path);
      append_tlog_proof(texts.emplace_back(), test_entry(i), i, path, note);
    }
  }
};

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) out += c == '\n' ? std::string("\\n") : std::string(1, c);
  return out + "\"";
}

TEST(AmanatVerify, ReceiptsAreCheckedOffline) {
  const Receipts receipts;
  const TestFolder folder;
  const std::string one = folder.path() + "/one.tlog-proof",
                    two = folder.path() + "/two.tlog-proof";
  write_text(one, receipts.texts[0]);
  write_text(two, receipts.texts[17]);
  Ran ran = run_verify({"--vkey", vkey(), one, two});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, one + ": holds; entry 0 of 40, GENESIS at 2026-07-25T17:20:00.000Z\n" + two +
                         ": holds; entry 17 of 40, DISCLOSURE at 2026-07-25T17:20:00.017Z\n");
  ran = run_verify({"--vkey", vkey(), "-"}, receipts.texts[3]);
  EXPECT_EQ(ran.out, "-: holds; entry 3 of 40, DISCLOSURE at 2026-07-25T17:20:00.003Z\n");
  ran = run_verify({"--vkey", vkey(), "--json", one});
  EXPECT_EQ(ran.out, "{\"holds\":true,\"receipts\":[{\"file\":" + json_string(one) +
                         ",\"holds\":true,\"index\":0,\"size\":40,\"origin\":\"log.example.org/"
                         "test\",\"type\":\"GENESIS\","
                         "\"time\":\"2026-07-25T17:20:00.000Z\"}]}\n");

  std::string bad = receipts.texts[17];
  bad.replace(bad.find("index 17"), 8, "index 16");
  write_text(two, bad);
  ran = run_verify({"--vkey", vkey(), one, two});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_NE(ran.out.find(one + ": holds"), ran.out.npos)
      << "one bad receipt does not hide a good one";
  EXPECT_NE(ran.err.find(two), ran.err.npos) << ran.err;
  ran = run_verify({"--vkey", vkey(), "--json", one, two});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_NE(ran.out.find("\"reason\":\"ledger-proof-wrong\""), ran.out.npos) << ran.out;
  EXPECT_EQ(run_verify({"--vkey", vkey(), one, "/no/such/file"}).exit_code, 2);
  EXPECT_EQ(run_verify({"--vkey", vkey(), "-"}, "").exit_code, 1);
}

TEST(AmanatVerify, TheReceiptsInALookupsAnswerAreChecked) {
  const Receipts receipts;
  const auto answer = [&](std::uint64_t first, std::uint64_t second) {
    return "{\"answers\":[{\"citizen\":\"x\",\"records\":{},\"entry\":" + std::to_string(first) +
           ",\"receipt\":" + json_string(receipts.texts[4]) +
           "},{\"receipt\":" + json_string(receipts.texts[5]) +
           ",\"entry\":" + std::to_string(second) + "}]}";
  };
  Ran ran = run_verify({"--vkey", vkey(), "-"}, answer(4, 5));
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_NE(ran.out.find("- (receipt 2): holds; entry 5 of 40"), ran.out.npos) << ran.out;
  ran = run_verify({"--vkey", vkey(), "-"}, answer(4, 6));
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_NE(ran.err.find("the answer names entry 6, its receipt proves entry 5"), ran.err.npos)
      << ran.err;
  EXPECT_EQ(run_verify({"--vkey", vkey(), "-"}, "{\"answers\":[]}").exit_code, 1);
}

TEST(AmanatVerify, ExplainsItselfAndRefusesAWrongCommandLine) {
  EXPECT_EQ(run_verify({"--help"}).exit_code, 0);
  EXPECT_NE(run_verify({"--help"}).out.find("--consistency"), std::string::npos);
  EXPECT_TRUE(run_verify({"--version"}).out.starts_with("amanat-verify 0."));
  const std::vector<std::string> cases[] = {{},
                                            {"--vkey"},
                                            {"--vkey", vkey()},
                                            {"--vkey", vkey(), "--dir", "a", "--url", "https://b"},
                                            {"--vkey", vkey(), "--dir", "a", "receipt"},
                                            {"--vkey", vkey(), "--vkey", vkey(), "--dir", "a"},
                                            {"--vkey", "nonsense", "--dir", "a"},
                                            {"--vkey", vkey(), "--dir", "/no/such/folder"},
                                            {"--vkey", vkey(), "--dir="},
                                            {"--vkey", vkey(), "--ca", "x", "--dir", "a"},
                                            {"--vkey", vkey(), "--consistency", "x", "receipt"},
                                            {"--unknown"}};
  for (const auto& words : cases) {
    const Ran ran = run_verify(words);
    EXPECT_EQ(ran.exit_code, 2) << (words.empty() ? "no arguments" : words.back());
    EXPECT_TRUE(ran.err.starts_with("amanat-verify: ")) << ran.err;
  }
  // What begins with a dash is a receipt's name after "--".
  EXPECT_EQ(run_verify({"--vkey", vkey(), "--", "--no-such-file"}).exit_code, 2);
}

}  // namespace
}  // namespace amanat::ledger
