// Prints each test as the sentence its name is: "ok  Ledger: An answer waits for its record".

#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>

namespace {

std::string sentence(const char* camel) {
  std::string out;
  for (const char* c = camel; *c != '\0'; ++c) {
    const bool upper = std::isupper(static_cast<unsigned char>(*c)) != 0;
    if (upper && !out.empty()) out.push_back(' ');
    out.push_back(upper && !out.empty() ? static_cast<char>(std::tolower(*c)) : *c);
  }
  return out;
}

class Sentences : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.failed())
      std::printf("    %s:%d\n    %s\n", result.file_name() ? result.file_name() : "?", result.line_number(),
                  result.message());
  }
  void OnTestEnd(const testing::TestInfo& test) override {
    const auto& r = *test.result();
    std::printf("%s  %s: %s\n", r.Skipped() ? "--" : r.Passed() ? "ok" : "NOT OK", test.test_suite_name(),
                sentence(test.name()).c_str());
    std::fflush(stdout);
  }
  void OnTestProgramEnd(const testing::UnitTest& all) override {
    std::printf("%d passed, %d failed, %d skipped\n", all.successful_test_count(), all.failed_test_count(),
                all.skipped_test_count());
  }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new Sentences);
  return RUN_ALL_TESTS();
}
