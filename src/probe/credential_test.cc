#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "probe/journal.h"
#include "probe/probe.h"

namespace amanat::probe {
namespace {

class Files : public testing::Test {
 protected:
  Files() {
    directory_ = (std::filesystem::temp_directory_path() / "amanat-probe-test-XXXXXX").string();
    if (::mkdtemp(directory_.data()) == nullptr) std::abort();
  }
  ~Files() override { std::filesystem::remove_all(directory_); }
  std::string put(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  std::string why(const std::string& text) {
    const auto made = read_credential(put("c", text));
    if (made) return "read";
    EXPECT_EQ(made.error().reason, Reason::credential_wrong);
    return made.error().detail.substr(made.error().detail.find("c:") + 2);
  }
  std::string directory_;
};
using CredentialFile = Files;
using JournalFile = Files;

TEST_F(CredentialFile, HoldsHeadersCertificatesValuesAndBodies) {
  put("body.json", "{\"x\":1}");
  const auto made = read_credential(
      put("c",
          "# a clerk\r\nAuthorization: Bearer a.b.c\n  X-Api-Key :  k \n@query key=v=w\n"
          "@certificate d.crt\n@key /keys/d.key\n@value id 35202-8184877-1\n@value place a b\n"
          "@body POST /v1/x body.json\n\n"));
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->headers,
            (decltype(made->headers){{"Authorization", "Bearer a.b.c"}, {"X-Api-Key", "k"}}));
  EXPECT_EQ(made->query, (decltype(made->query){{"key", "v=w"}}));
  EXPECT_EQ(made->certificate.certificate_file, directory_ + "/d.crt");
  EXPECT_EQ(made->certificate.key_file, "/keys/d.key");
  EXPECT_EQ(made->values.at("place"), "a b");
  EXPECT_EQ(made->bodies.at("POST /v1/x"), "{\"x\":1}");
}

TEST_F(CredentialFile, IsRefusedIfOthersMayReadIt) {
  for (const mode_t mode : {0644, 0640, 0602, 0777}) {
    const auto made = read_credential(put("c", "A: b\n", mode));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().reason, Reason::credential_wrong);
  }
  EXPECT_TRUE(read_credential(put("c", "A: b\n", 0400)));
  EXPECT_EQ(read_credential(directory_ + "/none").error().reason, Reason::file_failed);
  EXPECT_EQ(read_credential(directory_).error().reason, Reason::credential_wrong);
}

TEST_F(CredentialFile, AComplaintNamesTheLineAndNeverTheContent) {
  EXPECT_EQ(why("A: b\nno header\n"), "2: a header line is 'Name: value'");
  EXPECT_EQ(why("A b: c\n"), "1: not a header");
  EXPECT_EQ(why("A: b\001\n"), "1: not a header");
  EXPECT_EQ(why("A:\n"), "1: not a header");
  EXPECT_EQ(why("@vlaue x y\n"), "1: known are @certificate, @key, @query, @value and @body");
  EXPECT_EQ(why("@certificate d.crt\n"), "1: @certificate and @key go together");
  EXPECT_EQ(why("@value x 1\n"), "1: it holds no credential");
  EXPECT_EQ(why(std::string(201, '\n') + "A: b"), "201: too many lines");
}

TEST_F(JournalFile, IsReadAsItWasWritten) {
  Examined one;
  one.visit = {"GET", "/v1/x/{id}", false, Outcome::answered, 200, 200};
  for (std::size_t i = 0; i < kind_count(); ++i)
    one.findings.push_back({static_cast<Kind>(i),
                            "GET",
                            "/v1/x/{id}",
                            {"a \"way\""},
                            200,
                            Difference::same_members,
                            {{registry::PersonalType::phone, 3, "+000"}}});
  const std::string file = directory_ + "/journal";
  {
    auto journal = Journal::open(file, "run");
    ASSERT_TRUE(journal);
    EXPECT_TRUE(journal->done().empty());
    ASSERT_TRUE(journal->add(one, 17));
  }
  auto again = Journal::open(file, "run");
  ASSERT_TRUE(again);
  ASSERT_EQ(again->done().size(), 1u);
  EXPECT_EQ(again->asked(), 17u);
  const Examined& read = again->done()[0];
  EXPECT_EQ(read.visit.outcome, Outcome::answered);
  EXPECT_EQ(read.visit.stranger_status, 200u);
  ASSERT_EQ(read.findings.size(), kind_count());
  for (std::size_t i = 0; i < kind_count(); ++i) {
    EXPECT_EQ(read.findings[i].kind, static_cast<Kind>(i));
    EXPECT_EQ(read.findings[i].how, one.findings[i].how);
    EXPECT_EQ(read.findings[i].difference, Difference::same_members);
    EXPECT_EQ(read.findings[i].personal[0].count, 3u);
    EXPECT_EQ(read.findings[i].personal[0].shape, "+000");
  }
  const auto other = Journal::open(file, "another");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, Reason::usage_wrong);
}

TEST(JournalLine, NothingBentIsTakenForALine) {
  for (
      const std::string_view line :
      {"", "{}", "[]", R"({"visit":{},"findings":[]})",
       R"({"visit":{"outcome":"refused"},"findings":[{}]})",
       R"({"visit":{"outcome":"refused"},"findings":[{"kind":"no-such","difference":"unknown","how":[],"personal":[]}]})"})
    EXPECT_FALSE(read_journal_line(line)) << line;
}

}  // namespace
}  // namespace amanat::probe
