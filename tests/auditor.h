#pragma once
// An auditor as a process of its own, with its own directory, for tests of marked answers.

#include <cstdio>
#include <memory>
#include <string>

#include "process.h"
#include "world.h"

namespace amanat::test {

/// AuditorProcess makes and serves an auditor for one log.
class AuditorProcess {
 public:
  explicit AuditorProcess(const std::string& log_vkey) {
    EXPECT_TRUE(run({"auditor", "init", "--dir", place(), "--name", "auditor.example.org/a1"}));
    write_all(fs::path(place()) / "policy", "log " + log_vkey + "\nquorum none\n");
    start("127.0.0.1:0");
  }
  std::string place() const { return (directory_.path / "auditor").string(); }
  const std::string& address() const { return address_; }

  /// join hands the auditor's folder over to a home; the exchange reads it at its next start.
  void join(const fs::path& home) const {
    EXPECT_TRUE(run({"auditor", "join", place() + "/exchange", "--home", home.string(), "--url",
                     "https://" + address_}));
  }
  void stop() { process_.reset(); }
  /// start serves again at the address it had.
  void start() { start(address_); }

 private:
  void start(const std::string& listen) {
    process_ = std::make_unique<Process>(std::vector<std::string>{
        program(), "auditor", "serve", "--dir", place(), "--listen", listen});
    address_ = process_->address();
    EXPECT_NE(address_, "") << process_->said();
  }
  static std::string program() { return std::string(AMANAT_BINARY_DIR) + "/amanat"; }
  // Words that the test chose; each in quotes of the shell.
  static bool run(const std::vector<std::string>& words) {
    std::string command = program();
    for (const auto& word : words) command += " '" + word + "'";
    std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) return false;
    std::string all;
    for (char part[512]; std::fgets(part, sizeof part, pipe) != nullptr;) all += part;
    const int status = ::pclose(pipe);
    if (status != 0) ADD_FAILURE() << all;
    return status == 0;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Process> process_;
  std::string address_;
};

}  // namespace amanat::test
