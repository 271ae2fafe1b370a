// The page at /, and the interface's description.

#include "nodes/web/openapi.hpp"
#include "nodes/web/page/page_assets.hpp"
#include "nodes/web/web_context.hpp"

namespace tandem {
namespace {

/// The page needs nothing from elsewhere, and nobody may put it into a frame.
constexpr std::string_view page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' "
    "data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
    "'none'";

void send_asset(const web_call& call, std::string_view path) {
  const auto* asset = web::find_page_asset(path);
  if (asset == nullptr)
    return call.fail({.status = 404,
                      .message = "there is no " + call.request.path,
                      .type = "not_found_error",
                      .code = "not_found"});
  http_response answer{.content_type = std::string{asset->content_type}, .fixed = asset->gzip};
  answer.headers = {
      {"Content-Encoding", "gzip"},
      {"ETag", std::string{asset->etag}},
      {"Cache-Control", asset->immutable ? "public, max-age=31536000, immutable" : "no-cache"},
      {"Content-Security-Policy", std::string{page_policy}},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"}};
  if (call.request.find("if-none-match") == asset->etag) {
    answer.status = 304;
    answer.content_type.clear();
    answer.fixed = {};
  }
  call.reply->send(std::move(answer));
}

void page(web_call call) {
  send_asset(call, "/");
}

void asset(web_call call) {
  send_asset(call, call.request.path);
}

void openapi(web_call call) {
  call.reply->send({.fixed = openapi_json()});
}

}  // namespace

void add_page_routes(std::vector<web_route>& routes) {
  constexpr auto open = web_access::open;
  routes.push_back({"GET", "/openapi.json", open, openapi});
  routes.push_back({"GET", "/", open, page});
  routes.push_back({"GET", "/{file}", open, asset});
  routes.push_back({"GET", "/assets/{file}", open, asset});
}

}  // namespace tandem
