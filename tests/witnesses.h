#pragma once
// Three witnesses as processes of their own, and the commands of this program run as anybody would.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "process.h"
#include "world.h"

namespace amanat::test {

inline const std::string kProgram = std::string(AMANAT_BINARY_DIR) + "/amanat";
inline const std::string kVerify = std::string(AMANAT_BINARY_DIR) + "/amanat-verify";

// Runs a command made of names that this test chose.
inline int run(const std::string& command, std::string* printed = nullptr) {
  std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return -1;
  std::string all;
  for (char part[512]; std::fgets(part, sizeof part, pipe) != nullptr;) all += part;
  const int status = ::pclose(pipe);
  if (printed != nullptr) *printed = all;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

inline std::string trimmed(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

/// Witnesses are three processes of `amanat ledger witness serve` for one log.
struct Witnesses {
  TemporaryDirectory directory;
  std::vector<std::unique_ptr<Process>> processes;
  std::vector<std::string> addresses;
  std::string policy;

  /// stop and start one of them again, at the address it had.
  void stop(std::size_t i) { processes.at(i).reset(); }
  void start(std::size_t i) {
    const std::string place = (directory.path / ("w" + std::to_string(i))).string();
    processes.at(i) = std::make_unique<Process>(
        std::vector<std::string>{kProgram, "ledger", "witness", "serve", "--dir", place, "--listen",
                                 addresses.at(i)});
    EXPECT_EQ(processes.at(i)->address(), addresses.at(i)) << processes.at(i)->said();
  }

  explicit Witnesses(const std::string& log_vkey, const fs::path& home) {
    policy = "log " + log_vkey + "\n";
    std::string members, trusted;
    for (int i = 0; i < 3; ++i) {
      const std::string n = std::to_string(i), place = (directory.path / ("w" + n)).string();
      EXPECT_EQ(run(kProgram + " ledger witness init --dir " + place +
                    " --name witness.example.org/w" + n),
                0);
      write_all(fs::path(place) / "logs", log_vkey + "\n");
      processes.push_back(std::make_unique<Process>(std::vector<std::string>{
          kProgram, "ledger", "witness", "serve", "--dir", place, "--listen", "127.0.0.1:0"}));
      const std::string address = processes.back()->address();
      EXPECT_NE(address, "");
      addresses.push_back(address);
      policy += "witness w" + n + " " + trimmed(read_all(fs::path(place) / "witness.vkey")) +
                " https://" + address + "\n";
      trusted += read_all(fs::path(place) / "ca.crt");
      members += " w" + n;
    }
    policy += "group three 2" + members + "\nquorum three\n";
    fs::create_directories(home / "witnesses");
    write_all(home / "witnesses/policy", policy);
    write_all(home / "witnesses/ca.crt", trusted);
  }
};

}  // namespace amanat::test
