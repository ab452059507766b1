// The package holds what it says, its unit is as closed as it claims, and the runbooks can be
// followed.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace {

namespace fs = std::filesystem;

const fs::path kSource = AMANAT_SOURCE_DIR;
const std::string kBuild = AMANAT_BINARY_DIR;

struct Ran {
  int code = -1;
  std::string said;
};

Ran shell(const std::string& script) {
  std::FILE* const out = ::popen(("( set -e; " + script + "\n) 2>&1").c_str(), "r");
  Ran ran;
  for (int c = std::fgetc(out); c != EOF; c = std::fgetc(out))
    ran.said.push_back(static_cast<char>(c));
  const int status = ::pclose(out);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

bool there(const char* program) { return shell(std::string("command -v ") + program).code == 0; }

struct Directory {
  fs::path path;
  Directory() {
    std::string name = (fs::temp_directory_path() / "amanat-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path = name;
  }
  ~Directory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

/// block is the commands of a section of docs/packaging.md.
std::string block(const std::string& title) {
  std::ifstream in(kSource / "docs/packaging.md");
  std::stringstream text;
  text << in.rdbuf();
  const std::string page = text.str();
  const std::size_t section = page.find("### " + title);
  const std::size_t begin = page.find("```sh\n", section), end = page.find("```", begin + 6);
  EXPECT_NE(end, std::string::npos) << title;
  return page.substr(begin + 6, end - begin - 6);
}

TEST(Package, ItHoldsTheProgramsTheirPagesAndAUnitAndNothingOfAHome) {
  if (!there("dpkg-shlibdeps")) GTEST_SKIP() << "dpkg-dev is not there";
  Directory out;
  const std::string build = (out.path / "b").string();
  ASSERT_EQ(shell("mkdir " + build + "; ln -s " + kBuild + "/amanat " + kBuild + "/amanat-unpack " + kBuild +
                  "/amanat-verify " + build)
                .code,
            0);
  const Ran made = shell((kSource / "packaging/deb").string() + " " + build);
  ASSERT_EQ(made.code, 0) << made.said;
  const std::string package = made.said.substr(0, made.said.find('\n'));
  const std::string files = shell("dpkg-deb --contents " + package).said;
  for (const char* wanted :
       {"./usr/bin/amanat\n", "./usr/bin/amanat-verify\n",
        "./usr/libexec/amanat/amanat-unpack\n", "./usr/share/man/man1/amanat.1.gz\n",
        "./usr/share/bash-completion/completions/amanat\n",
        "./usr/share/zsh/vendor-completions/_amanat\n", "./usr/lib/systemd/system/amanat.service\n",
        "./usr/lib/systemd/system/amanat-canaries.timer\n",
        "./usr/lib/systemd/system/amanat-report.timer\n", "./usr/lib/sysusers.d/amanat.conf\n",
        "./usr/lib/tmpfiles.d/amanat.conf\n", "./usr/share/amanat/grafana/amanat.json\n",
        "./usr/share/amanat/citizen/amanat-verify.html\n",
        "./usr/share/doc/amanat/copyright\n"})
    EXPECT_NE(files.find(wanted), std::string::npos) << wanted;
  EXPECT_EQ(files.find("./var/"), std::string::npos) << "a home is the operator's";
  const std::string control = shell("dpkg-deb --field " + package).said;
  for (const char* wanted :
       {"Package: amanat", "libpq5", "librocksdb7.8", "libssl3", "libsodium23",
                             "libarchive13", "libsqlite3-0", "libseccomp2"})
    EXPECT_NE(control.find(wanted), std::string::npos) << wanted << "\n" << control;
  // Unpacked, it runs, and its man page and completions are the program's own.
  const Ran run = shell("dpkg-deb -x " + package + " " + (out.path / "root").string() + "; cd " +
                        (out.path / "root").string() +
                        "; usr/bin/amanat --version; usr/bin/amanat trace read " +
                        (kSource / "tests/packed/people.7z").string() + " && zcat usr/share/man/man1/amanat.1.gz"
                        " | grep -c migrate; bash -n usr/share/bash-completion/completions/amanat");
  EXPECT_EQ(run.code, 0) << run.said;
}

TEST(Unit, ItsExposureIsAtMostOnePointTwo) {
  if (!there("systemd-analyze")) GTEST_SKIP() << "systemd-analyze is not there";
  for (const char* unit : {"amanat.service", "amanat-canaries.service", "amanat-report.service"}) {
    const Ran ran = shell("systemd-analyze security --offline=yes --threshold=12 " +
                          (kSource / "packaging/systemd" / unit).string());
    EXPECT_EQ(ran.code, 0) << ran.said;
    EXPECT_NE(ran.said.find("Overall exposure level"), std::string::npos) << ran.said;
  }
}

class Runbook : public testing::Test {
 protected:
  void SetUp() override {
    const Ran made = in_home(
        "amanat init --home $H --origin exchange.test/one --server-name localhost\n"
        "amanat enrol officers $SOURCE/tests/data/departments/hr_roster.csv --home $H");
    ASSERT_EQ(made.code, 0) << made.said;
  }
  Ran in_home(const std::string& script) const {
    const std::string d = directory_.path.string();
    return shell("PATH=" + kBuild + ":$PATH; H=" + d + "/home; B=" + d + "/work; NEW=" + kBuild +
                 "; SOURCE=" + kSource.string() + "; NAME=localhost; mkdir -p $B\n" + script);
  }
  Directory directory_;
};

TEST_F(Runbook, WhatTheTimersRunRuns) {
  for (const char* unit : {"amanat-canaries", "amanat-report"}) {
    const Ran ran =
        in_home("run=$(sed -n 's/^ExecStart=//p' $SOURCE/packaging/systemd/" + std::string(unit) +
                ".service | sed \"s#^/usr/bin/##; s#/var/lib/amanat/home#$H#\")\n$run");
    EXPECT_EQ(ran.code, 0) << unit << ": " << ran.said;
  }
}

TEST_F(Runbook, AnUpgradeIsTriedOnARestoredCopy) {
  const Ran ran = in_home(block("Upgrade"));
  EXPECT_EQ(ran.code, 0) << ran.said;
  EXPECT_NE(ran.said.find("\"ledger_size\":"), std::string::npos) << ran.said;
}

TEST_F(Runbook, TheMasterKeyIsRenewedAndTheOldOneIsRefused) {
  const Ran ran = in_home("cp $H/keys/master.key $B/old.key\n" + block("Renew the master key"));
  EXPECT_EQ(ran.code, 0) << ran.said;
  EXPECT_NE(ran.said.find("There is a new master key"), std::string::npos) << ran.said;
  EXPECT_NE(ran.said.find("\"ledger_size\":"), std::string::npos) << ran.said;
  const Ran back = in_home("cp $B/old.key $H/keys/master.key; amanat status --home $H");
  EXPECT_NE(back.code, 0) << back.said;
  EXPECT_NE(back.said.find("master.key"), std::string::npos) << back.said;
  // Begun and killed: nothing opens it, and the next call finishes.
  const Ran begun = in_home(
      "cp -r $B/after-keys/. $H/keys/; rm -f $H/keys/SHA256SUMS; printf x > $H/keys/master.key.next; "
      "chmod 600 $H/keys/master.key.next; if amanat status --home $H; then exit 9; fi; "
      "amanat keys rewrap --home $H --json; amanat ledger verify --home $H");
  EXPECT_EQ(begun.code, 0) << begun.said;
  EXPECT_NE(begun.said.find("amanat keys rewrap"), std::string::npos) << begun.said;
  EXPECT_NE(begun.said.find("\"resumed\":true"), std::string::npos) << begun.said;
}

TEST_F(Runbook, TheServersCertificateIsRenewedAndServes) {
  const Ran ran = in_home(block("Renew the server's certificate"));
  ASSERT_EQ(ran.code, 0) << ran.said;
  const Ran served = in_home(
      "amanat serve --home $H --listen 127.0.0.1:0 2> $B/log & pid=$!\n"
      "for i in $(seq 200); do grep -q address= $B/log && break; sleep 0.05; done\n"
      "port=$(sed -n 's/.* address=127.0.0.1:\\([0-9]*\\).*/\\1/p' $B/log)\n"
      "curl -s --cacert $H/ca.crt -o /dev/null -w '%{http_code}' https://localhost:$port/healthz; "
      "code=$?\n"
      "kill $pid; wait $pid; exit $code");
  EXPECT_EQ(served.code, 0) << served.said;
  EXPECT_NE(served.said.find("200"), std::string::npos) << served.said;
}

TEST_F(Runbook, ADevicesKeyIsRenewed) {
  const Ran first =
      in_home("OFFICER=$(sed -n '2s/,.*//p' $SOURCE/tests/data/departments/hr_roster.csv)\n" +
              block("Renew a device's key"));
  EXPECT_EQ(first.code, 0) << first.said;
}

}  // namespace
