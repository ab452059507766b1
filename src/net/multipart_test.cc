#include "net/multipart.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace amanat::net {
namespace {

struct Kept : MultipartTaker {
  Result<void> begin_part(const PartHead& part) override {
    parts.push_back(part);
    bytes.emplace_back();
    return {};
  }
  Result<void> part_bytes(std::string_view more) override {
    bytes.back() += more;
    return {};
  }
  Result<void> end_part() override {
    ++ended;
    return {};
  }
  std::vector<PartHead> parts;
  std::vector<std::string> bytes;
  std::size_t ended = 0;
};

const std::string kForm =
    "--XyZ\r\nContent-Disposition: form-data; name=\"brought_by\"\r\n\r\na journalist\r\n"
    "--XyZ\r\nContent-Disposition: form-data; name=\"file\"; filename=\"leak \xD8\xA7.csv\"\r\n"
    "Content-Type: text/csv\r\n\r\na,b\r\n\r\n--Xy\r\n--XyZ-\r\n1,2\r\n--XyZ--\r\n";

TEST(Multipart, ReadsTheSameHoweverItArrives) {
  for (std::size_t step = 1; step <= kForm.size(); step += 3) {
    SCOPED_TRACE(step);
    Kept kept;
    Multipart reader("XyZ", kept);
    Result<void> fine;
    for (std::size_t at = 0; at < kForm.size() && fine; at += step)
      fine = reader.take(std::string_view(kForm).substr(at, step));
    // A boundary must be followed by a line break or by two dashes: "--XyZ-\r\n" is no text.
    EXPECT_FALSE(fine);
  }
  std::string good = kForm;
  good.replace(good.find("--XyZ-\r\n1"), 8, "--Xyz-\r\n");
  for (std::size_t step = 1; step <= good.size(); ++step) {
    SCOPED_TRACE(step);
    Kept kept;
    Multipart reader("XyZ", kept);
    for (std::size_t at = 0; at < good.size(); at += step) {
      if (at + step < good.size() - 2) EXPECT_FALSE(reader.complete());
      ASSERT_TRUE(reader.take(std::string_view(good).substr(at, step)));
    }
    EXPECT_TRUE(reader.complete());
    ASSERT_EQ(kept.parts.size(), 2u);
    EXPECT_EQ(kept.ended, 2u);
    EXPECT_EQ(kept.parts[0].name, "brought_by");
    EXPECT_FALSE(kept.parts[0].is_file);
    EXPECT_EQ(kept.bytes[0], "a journalist");
    EXPECT_TRUE(kept.parts[1].is_file);
    EXPECT_EQ(kept.parts[1].file_name, "leak \xD8\xA7.csv");
    EXPECT_EQ(kept.bytes[1], "a,b\r\n\r\n--Xy\r\n--Xyz-\r\n1,2");
  }
}

TEST(Multipart, RefusesWhatIsNotOne) {
  const std::string part = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"a preamble", "x" + part},
      {"another boundary", "--c\r\n"},
      {"no disposition", "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--"},
      {"two dispositions",
       "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n"
       "Content-Disposition: form-data; name=\"b\"\r\n\r\n"},
      {"a coding",
       "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n"
       "Content-Transfer-Encoding: base64\r\n\r\n"},
      {"an attachment", "--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n"},
      {"no name", "--b\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n"},
      {"a name without quotes", "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n"},
      {"an extended name",
       "--b\r\nContent-Disposition: form-data; name=\"a\"; filename*=UTF-8''x\r\n\r\n"},
      {"a name that is not UTF-8", "--b\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\n"},
      {"a control character", "--b\r\nContent-Disposition: form-data; name=\"a\tb\"\r\n\r\n"},
      {"a long name",
       "--b\r\nContent-Disposition: form-data; name=\"" + std::string(65, 'a') + "\"\r\n\r\n"},
      {"a long head", "--b\r\nContent-Type: " + std::string(5000, 'a')},
      {"something after the end", part + "x\r\n--b--\r\nx"},
      {"a boundary in mid line", part + "x\r\n--b x"}};
  for (const auto& [what, text] : wrong) {
    Kept kept;
    Multipart reader("b", kept);
    auto taken = reader.take(text);
    ASSERT_FALSE(taken) << what;
    EXPECT_EQ(taken.error().reason, Reason::malformed_value) << what;
    EXPECT_FALSE(reader.take("--b--")) << "after a mistake nothing is read";
  }
  std::string many;
  for (int i = 0; i < 9; ++i) many += part + "x\r\n";
  Kept kept;
  EXPECT_FALSE(Multipart("b", kept).take(many));
}

TEST(Multipart, KnowsItsBoundary) {
  EXPECT_EQ(Multipart::boundary_of("multipart/form-data; boundary=----WebKitFormBoundaryAbC"),
            "----WebKitFormBoundaryAbC");
  EXPECT_EQ(Multipart::boundary_of("Multipart/Form-Data;boundary=\"a b\"").has_value(), false);
  EXPECT_EQ(Multipart::boundary_of("multipart/form-data; boundary=\"a-b\""), "a-b");
  for (const char* type :
       {"", "multipart/form-data", "multipart/form-data; boundary=", "text/plain; boundary=a",
        "multipart/form-data; charset=a; boundary=b", "multipart/form-data; boundary=a;b"})
    EXPECT_FALSE(Multipart::boundary_of(type)) << type;
  EXPECT_FALSE(Multipart::boundary_of("multipart/form-data; boundary=" + std::string(71, 'a')));
}

TEST(Multipart, HoldsNoMoreThanADelimiterOfAFile) {
  struct Largest : Kept {
    Result<void> part_bytes(std::string_view more) override {
      seen += more.size();
      return {};
    }
    std::size_t seen = 0;
  } largest;
  Multipart reader("b", largest);
  ASSERT_TRUE(
      reader.take("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\r\n\r\n"));
  std::size_t sent = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(1000, i % 2 == 0 ? '\r' : '-');
    ASSERT_TRUE(reader.take(piece));
    sent += piece.size();
    ASSERT_LE(sent - largest.seen, 5u);  // CR LF "--" and one less than the boundary
  }
}

}  // namespace
}  // namespace amanat::net
