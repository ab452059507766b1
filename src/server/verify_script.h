#pragma once
// server, verify script: what goes with exported evidence so that an outsider needs nothing of ours: a
// shell script over the OpenSSL command line and POSIX tools, and a page that says what it shows.

#include <cstdint>
#include <string>
#include <string_view>

namespace amanat::server {

extern const std::string_view kVerifyScript;
/// evidence_readme explains the files of one kind of evidence (docs/callers.md).
std::string evidence_readme(std::uint8_t kind, std::uint64_t entry);

}  // namespace amanat::server
