#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

#include "nodes/cli/decision_json.hpp"
#include "nodes/cli/route_eval_command.hpp"
#include "nodes/cli/route_eval_json.hpp"
#include "schema/message.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/unit/routing/evaluation_simulation.hpp"

namespace tandem::cli {
namespace {

/// A decision as the router keeps it.
void fill(schema::DecisionRecord::Builder record, const logged_decision& from) {
  record.setId(from.id);
  record.setAtMs(1'789'000'000'000);
  record.setPurpose(from.purpose);
  record.setKind("extract");
  record.setTenant("acme");
  record.setPolicy(from.policy);
  auto arms = record.initArms(static_cast<unsigned>(from.arms.size() + 1));
  arms[0].setModel("gone");
  arms[0].setFilter("no healthy engine");
  for (unsigned i = 0; i < from.arms.size(); ++i) {
    const auto& a = from.arms[i];
    auto arm = arms[i + 1];
    arm.setModel(a.model);
    arm.setTier(a.tier);
    arm.setQuality(a.quality);
    arm.setDeviation(a.deviation);
    arm.setCost(a.cost);
    arm.setCostNanousd(a.cost_nanousd);
    arm.setLatencyUs(1'000);
    arm.setPropensity(a.propensity);
  }
  record.setChosen(from.chosen + 1);
  auto features = record.initFeatures();
  features.setVersion(from.feature_version);
  auto dense = features.initDense(static_cast<unsigned>(from.dense.size()));
  for (unsigned i = 0; i < from.dense.size(); ++i) dense.set(i, from.dense[i]);
  auto sparse = features.initSparse(1);
  sparse[0].setIndex(4'000);
  sparse[0].setValue(0.25F);
  record.setCostPrice(from.cost_price);
  record.setQuality(from.quality.value_or(-1));
  record.setCostNanousd(-1);
  record.setTries(2);
}

std::string line_of(const logged_decision& from) {
  message_builder<schema::DecisionRecord> record;
  fill(*record, from);
  return write_decision_json(record->asReader());
}

class route_eval_command : public testing::Test {
 protected:
  std::string write(const std::string& text) {
    auto path = folder_.path() / "log.jsonl";
    std::ofstream{path} << text;
    return path.string();
  }

  std::string log(std::size_t decisions) {
    std::string text;
    for (const auto& d : simulation::draw_log(simulation::synthetic(2, 500), decisions, 7))
      text += line_of(d) + '\n';
    return text;
  }

  exit_code run(std::vector<std::string> arguments,
                std::map<std::string, std::vector<std::string>, std::less<>> options = {},
                bool json = false) {
    static const command_spec spec{.name = "route"};
    invocation from{
        .command = &spec, .arguments = std::move(arguments), .options = std::move(options)};
    if (json) from.globals["json"] = {""};
    auto path = [&](const char* name) { return (folder_.path() / name).string(); };
    auto out = ::open(path("out").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    auto err = ::open(path("err").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    console io{[](const char*) { return std::string{}; }, out, err};
    auto code = route_eval(from, io);
    ::close(out);
    ::close(err);
    out_ = content(path("out"));
    err_ = content(path("err"));
    return code;
  }

  static std::string content(const std::string& path) {
    std::stringstream text;
    text << std::ifstream{path}.rdbuf();
    return text.str();
  }

  test::temp_folder folder_;
  std::string out_;
  std::string err_;
};

TEST(decision_json, IsReadBackAsItWas) {
  auto all = simulation::draw_log(simulation::synthetic(3, 50), 20, 7);
  all[3].quality.reset();
  decision_log_reader reader{"log"};
  for (const auto& d : all) ASSERT_FALSE(reader.add(line_of(d)));
  auto read = reader.take();
  ASSERT_EQ(read.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(read[i].id, all[i].id);
    EXPECT_EQ(read[i].purpose, all[i].purpose);
    EXPECT_EQ(read[i].quality, all[i].quality);
    EXPECT_EQ(read[i].cost_nanousd, std::nullopt);
    EXPECT_EQ(read[i].dense, all[i].dense);
    EXPECT_EQ(read[i].sparse[0].index, 4'000);
    EXPECT_EQ(read[i].chosen, all[i].chosen);
    ASSERT_EQ(read[i].arms.size(), all[i].arms.size());
    EXPECT_EQ(read[i].arms[1].propensity, all[i].arms[1].propensity);
    EXPECT_EQ(read[i].arms[1].quality, all[i].arms[1].quality);
  }
}

TEST_F(route_eval_command, ShowsEveryPolicyWhenNoneIsNamed) {
  ASSERT_EQ(run({"eval", write(log(300))}), exit_code::ok) << err_;
  for (auto word : {"logged", "cheapest", "always m0", "always m1", "WORTH", "EFFECTIVE",
                    "300 decisions", "300 with a reward"})
    EXPECT_NE(out_.find(word), std::string::npos) << word << '\n' << out_;
}

TEST_F(route_eval_command, WritesJsonForThePoliciesThatAreNamed) {
  ASSERT_EQ(run({"eval", write(log(200))}, {{"policy", {"cheapest", "always:m1"}}, {"clip", {"5"}}},
                true),
            exit_code::ok)
      << err_;
  for (auto word : {R"("decisions":200)", R"("policy":"logged")", R"("policy":"cheapest")",
                    R"("policy":"always:m1")", R"("doubly_robust":{"value":)", R"("clip":5)",
                    R"("gain")", R"("effective")"})
    EXPECT_NE(out_.find(word), std::string::npos) << word << '\n' << out_;
  EXPECT_EQ(out_.find("large_only"), std::string::npos);
}

TEST_F(route_eval_command, ReadsStandardInput) {
  auto file = ::open(write(log(30)).c_str(), O_RDONLY);
  auto before = ::dup(STDIN_FILENO);
  ::dup2(file, STDIN_FILENO);
  auto code = run({"eval", "-"}, {{"policy", {"logged"}}}, true);
  ::dup2(before, STDIN_FILENO);
  ::close(before);
  ::close(file);
  ASSERT_EQ(code, exit_code::ok) << err_;
  EXPECT_NE(out_.find(R"("log":"standard input","decisions":30)"), std::string::npos) << out_;
}

TEST_F(route_eval_command, LooksAtOnePurposeWhereAsked) {
  auto path = write(log(20));
  EXPECT_EQ(run({"eval", path}, {{"purpose", {"plan"}}}), exit_code::local_failure);
  EXPECT_NE(err_.find("no decisions of purpose plan"), std::string::npos) << err_;
  EXPECT_EQ(run({"eval", path}, {{"purpose", {"step"}}}), exit_code::ok);
  EXPECT_EQ(run({"eval", path}, {{"purpose", {"steps"}}}), exit_code::usage);
}

TEST_F(route_eval_command, SaysWhatIsWrong) {
  auto path = write(log(10));
  EXPECT_EQ(run({"eval"}), exit_code::usage);
  EXPECT_EQ(run({"eval", path}, {{"policy", {"guess"}}}), exit_code::usage);
  EXPECT_NE(err_.find("cheapest"), std::string::npos) << err_;
  EXPECT_EQ(run({"eval", path}, {{"clip", {"0"}}}), exit_code::usage);
  EXPECT_EQ(run({"eval", (folder_.path() / "none").string()}), exit_code::local_failure);
  EXPECT_NE(err_.find("cannot read"), std::string::npos) << err_;
  EXPECT_EQ(run({"eval", folder_.path().string()}), exit_code::local_failure);
  EXPECT_EQ(run({"eval", write("")}), exit_code::local_failure);
  EXPECT_NE(err_.find("route export"), std::string::npos) << err_;
  EXPECT_EQ(run({"eval", write(log(2) + "{\"v\":9}\n")}), exit_code::local_failure);
  EXPECT_NE(err_.find("line 3"), std::string::npos) << err_;
  EXPECT_EQ(run({"eval", write(std::string(3 << 20, 'x'))}), exit_code::local_failure);
  EXPECT_NE(err_.find("longer than"), std::string::npos) << err_;
}

}  // namespace
}  // namespace tandem::cli
