#include "nodes/cli/endpoint.hpp"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/errc.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::cli {
namespace {

using testing::HasSubstr;

environment with(std::map<std::string, std::string> values) {
  return [values](const char* name) {
    auto found = values.find(name);
    return found == values.end() ? std::string{} : found->second;
  };
}

invocation with_globals(std::map<std::string, std::string> globals) {
  invocation from;
  for (auto& [name, value] : globals) from.globals[name] = {value};
  return from;
}

class Endpoint : public testing::Test {
 protected:
  void write_address(const std::string& text) { test::write_text(data() / "node.address", text); }
  std::filesystem::path data() const { return folder_.path(); }

  test::temp_folder folder_;
};

TEST_F(Endpoint, TheOptionComesFirst) {
  write_address("127.0.0.1:3\n");
  auto to = find_endpoint(with_globals({{"node", "far:1"}, {"data", data().string()}}),
                          with({{"TANDEM_NODE", "near:2"}}));
  ASSERT_TRUE(to) << message_of(to.error());
  EXPECT_EQ(to_string(to->address), "far:1");
  EXPECT_EQ(to->tls_folder, data() / "tls");
}

TEST_F(Endpoint, TheEnvironmentComesBeforeARunningNode) {
  write_address("127.0.0.1:3\n");
  auto to = find_endpoint({}, with({{"TANDEM_NODE", "near:2"}, {"TANDEM_DATA", data().string()}}));
  ASSERT_TRUE(to);
  EXPECT_EQ(to_string(to->address), "near:2");
}

TEST_F(Endpoint, ADataFolderOnTheCommandLineBeatsTheEnvironment) {
  write_address("127.0.0.1:3\n");
  auto to = find_endpoint(with_globals({{"data", data().string()}}),
                          with({{"TANDEM_NODE", "near:2"}, {"TANDEM_TLS", "/elsewhere"}}));
  ASSERT_TRUE(to);
  EXPECT_EQ(to_string(to->address), "127.0.0.1:3");
  EXPECT_EQ(to->tls_folder, data() / "tls");
}

TEST_F(Endpoint, WithoutARunningNodeItIsTheDefaultPort) {
  auto to = find_endpoint({}, with({{"TANDEM_DATA", data().string()}, {"TANDEM_TLS", "/keys"}}));
  ASSERT_TRUE(to);
  EXPECT_EQ(to_string(to->address), "127.0.0.1:7420");
  EXPECT_EQ(to->tls_folder, "/keys");
}

TEST_F(Endpoint, SaysWhereABadAddressStands) {
  write_address("\x1b[2Jgarbage\n");
  auto to = find_endpoint(with_globals({{"data", data().string()}}), with({}));
  ASSERT_FALSE(to);
  EXPECT_EQ(code_of(to.error()), errc::invalid_argument);
  EXPECT_THAT(message_of(to.error()), HasSubstr("node.address is '?[2Jgarbage'"));
  auto option = find_endpoint(with_globals({{"node", "h:0"}, {"tls", "/t"}}), with({}));
  ASSERT_FALSE(option);
  EXPECT_THAT(message_of(option.error()), HasSubstr("--node has no port"));
}

}  // namespace
}  // namespace tandem::cli
