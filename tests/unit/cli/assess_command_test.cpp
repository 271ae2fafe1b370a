#include <fcntl.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "nodes/cli/assess_text.hpp"
#include "nodes/cli/command_line.hpp"
#include "nodes/cli/console.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

struct ended {
  exit_code code;
  std::string out;
  std::string err;
};

/// The program with these arguments, its output in files.
ended run(std::vector<const char*> arguments) {
  test::temp_folder folder;
  auto out = folder.path() / "out";
  auto err = folder.path() / "err";
  auto open_file = [](const std::filesystem::path& path) {
    return ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  };
  auto out_fd = open_file(out);
  auto err_fd = open_file(err);
  console io{[](const char*) { return std::string{}; }, out_fd, err_fd};
  auto parsed = parse_command_line(arguments);
  EXPECT_TRUE(parsed);
  auto code = parsed->command->run(*parsed, io);
  ::close(out_fd);
  ::close(err_fd);
  return {code, test::read_text(out), test::read_text(err)};
}

constexpr auto brief = TANDEM_SOURCE_DIR "/config/assess/brief.toml";
constexpr auto agreeing = TANDEM_SOURCE_DIR "/config/assess/public.toml";

TEST(AssessCommand, RefusesWhatContradictsItselfWithItsOwnExitCode) {
  auto refused = run({"assess", brief});
  EXPECT_EQ(refused.code, exit_code::failed);
  EXPECT_THAT(refused.out, HasSubstr("refused\n  the inputs contradict each other 9 times"));
  EXPECT_THAT(refused.out, HasSubstr("contradiction payback_roi, the brief, at 100 requests/s"));
  EXPECT_THAT(refused.out, Not(HasSubstr("FIGURE")));
  auto passed = run({"assess", agreeing});
  EXPECT_EQ(passed.code, exit_code::ok);
  EXPECT_THAT(passed.out, HasSubstr("checked payback_roi"));
  EXPECT_THAT(passed.out, HasSubstr("60.9%"));
}

TEST(AssessCommand, EveryNumberHasItsTagInJson) {
  auto made = run({"--json", "assess", "--qps", "200..600"});
  ASSERT_EQ(made.code, exit_code::ok) << made.err;
  simdjson::dom::parser parser;
  auto root = parser.parse(made.out);
  for (auto [name, value] : simdjson::dom::object{root["estimates"]}) {
    EXPECT_EQ(value["tag"].error(), simdjson::SUCCESS) << name;
    double p10 = 0;
    double p90 = 0;
    if (value["p10"].get(p10) || value["p90"].get(p90)) continue;
    EXPECT_LE(p10, p90) << name;
  }
  for (auto input : simdjson::dom::array{root["inputs"]})
    EXPECT_EQ(input["tag"].error(), simdjson::SUCCESS);
  EXPECT_EQ(run({"--json", "assess", "--qps", "200..600"}).out, made.out) << "the same each time";
}

TEST(AssessCommand, ALogAloneIsEnough) {
  test::temp_folder folder;
  std::string log = "time,model,prompt_tokens,completion_tokens,cost\n";
  for (int i = 0; i < 9000; ++i)
    log += std::to_string(1'769'860'000 + i / 30) + ",big,800,200,0.004\n";
  log += "nonsense\n";
  auto file = folder.path() / "calls.csv";
  test::write_text(file, log);
  auto made = run({"assess", "--log", file.c_str()});
  EXPECT_EQ(made.code, exit_code::ok) << made.err;
  EXPECT_THAT(made.out, HasSubstr("9,000 calls of big"));
  EXPECT_THAT(made.out,
              HasSubstr("1 line left out, first line 9002: it has more or fewer columns"));
  EXPECT_THAT(made.out, HasSubstr("share of calls that need the large model"));
  EXPECT_THAT(made.out, HasSubstr("nobody said what the small model is"));
}

TEST(AssessCommand, SaysWhatIsWrongWithItsOptions) {
  auto bad = run({"assess", "--qps", "5..3"});
  EXPECT_EQ(bad.code, exit_code::usage);
  EXPECT_THAT(bad.err, HasSubstr("--qps must be a number or LOW..HIGH"));
  EXPECT_THAT(run({"assess", "--tokens", "0,0", "--qps", "1"}).err, HasSubstr("has no tokens"));
  EXPECT_THAT(run({"assess", "--qps", "1", "--small", "qwen9"}).err,
              HasSubstr("there are brief, "));
  EXPECT_EQ(run({"assess", "--log", "/nonexistent"}).code, exit_code::local_failure);
  EXPECT_THAT(run({"assess", "--model", "x"}).err, HasSubstr("--log"));
}

TEST(AssessText, NamesOfALogAreMadeHarmless) {
  test::temp_folder folder;
  auto file = folder.path() / "evil.jsonl";
  test::write_text(file, R"({"model":"\u001b[31mx\u0007","prompt_tokens":5,"time":1}
{"model":"\u001b[31mx\u0007","prompt_tokens":5,"time":900}
)");
  auto made = run({"assess", "--log", file.c_str()});
  EXPECT_EQ(made.code, exit_code::ok) << made.err;
  EXPECT_THAT(made.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(made.out, Not(HasSubstr("\x07")));
}

}  // namespace
}  // namespace tandem::cli
