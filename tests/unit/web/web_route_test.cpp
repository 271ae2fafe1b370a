#include "nodes/web/web_route.hpp"

#include <set>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "nodes/web/openapi.hpp"
#include "nodes/web/web_context.hpp"

namespace tandem {
namespace {

void nothing(web_call) {}

const std::vector<web_route> few{{"GET", "/v1/jobs", web_access::key, nothing},
                                 {"POST", "/v1/jobs", web_access::key, nothing},
                                 {"GET", "/v1/jobs/{id}", web_access::key, nothing},
                                 {"POST", "/v1/jobs/{id}/cancel", web_access::key, nothing},
                                 {"GET", "/", web_access::open, nothing}};

TEST(WebRoute, IsFoundByMethodAndPath) {
  EXPECT_EQ(find_route(few, "GET", "/v1/jobs").route, &few[0]);
  EXPECT_EQ(find_route(few, "POST", "/v1/jobs").route, &few[1]);
  EXPECT_EQ(find_route(few, "GET", "/").route, &few[4]);
  auto found = find_route(few, "POST", "/v1/jobs/abc-1/cancel");
  EXPECT_EQ(found.route, &few[3]);
  EXPECT_EQ(found.parameters, std::vector<std::string>{"abc-1"});
}

TEST(WebRoute, HeadIsAnsweredAsGet) {
  EXPECT_EQ(find_route(few, "HEAD", "/v1/jobs").route, &few[0]);
}

TEST(WebRoute, APathThatIsNoneHasNoMethods) {
  for (auto path : {"/v1", "/v1/jobs/", "/v1/jobs/a/b", "/v1/jobs//cancel", "/V1/jobs", "/x"}) {
    auto found = find_route(few, "GET", path);
    EXPECT_EQ(found.route, nullptr) << path;
    EXPECT_EQ(found.allowed, "") << path;
  }
}

TEST(WebRoute, AnotherMethodIsToldWhichThereAre) {
  auto found = find_route(few, "DELETE", "/v1/jobs");
  EXPECT_EQ(found.route, nullptr);
  EXPECT_EQ(found.allowed, "GET, POST");
}

TEST(WebQuery, IsDecoded) {
  EXPECT_EQ(query_value("a=1&text=x%20y+z&b", "text"), "x y z");
  EXPECT_EQ(query_value("a=1&b", "b"), "");
  EXPECT_EQ(query_value("a=1", "c"), "");
  EXPECT_EQ(query_value("%61=1", "a"), "1");
  EXPECT_EQ(query_value("a=%zz%4", "a"), "%zz%4");
  EXPECT_EQ(query_value("&&=&a=1=2", "a"), "1=2");
}

using operations = std::set<std::pair<std::string, std::string>>;

operations described() {
  operations out;
  simdjson::dom::parser parser;
  simdjson::dom::object document;
  EXPECT_EQ(parser.parse(openapi_json()).get(document), simdjson::SUCCESS);
  simdjson::dom::object paths;
  EXPECT_EQ(document["paths"].get(paths), simdjson::SUCCESS);
  const std::set<std::string_view> methods{"get", "post", "put", "delete", "patch"};
  for (auto [path, item] : paths)
    for (auto [method, operation] : simdjson::dom::object{item})
      if (methods.count(method) != 0) {
        std::string upper;
        for (auto c : method) upper += static_cast<char>(c - 'a' + 'A');
        out.emplace(upper, std::string{path});
      }
  return out;
}

/// `/v1/jobs/{job}` and `/v1/jobs/{id}` are the same path.
std::string without_names(std::string_view path) {
  std::string out;
  bool in_name = false;
  for (auto c : path) {
    if (c == '}') in_name = false;
    if (!in_name) out += c;
    if (c == '{') in_name = true;
  }
  return out;
}

TEST(OpenApi, DescribesEveryPathThatIsAnsweredAndNoOther) {
  operations wanted;
  for (const auto& route : web_routes()) {
    // Files of the page are no interface.
    if (route.path == "/{file}" || route.path == "/assets/{file}") continue;
    wanted.emplace(std::string{route.method}, without_names(route.path));
  }
  operations there;
  for (const auto& [method, path] : described()) there.emplace(method, without_names(path));
  EXPECT_EQ(there, wanted);
}

TEST(OpenApi, IsVersionThreePointOne) {
  simdjson::dom::parser parser;
  std::string_view version;
  ASSERT_EQ(parser.parse(openapi_json())["openapi"].get(version), simdjson::SUCCESS);
  EXPECT_TRUE(version.starts_with("3.1.")) << version;
}

}  // namespace
}  // namespace tandem
