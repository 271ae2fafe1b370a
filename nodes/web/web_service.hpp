#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "actors/http_server/http_service.hpp"
#include "nodes/web/web_context.hpp"

namespace tandem {

/// Everything that a node answers over HTTP: who may ask, what there is, who answers it. Beyond
/// loopback every request needs a key; on loopback, where none is demanded, only pages of this
/// node's own may ask (a page of somebody else in the same browser could otherwise).
class web_service : public http_service {
 public:
  explicit web_service(std::shared_ptr<web_parts> parts);

  [[nodiscard]] std::optional<http_response> look_at_head(const http_request& head) override;
  void on_request(http_request request, std::shared_ptr<http_reply> reply) override;
  [[nodiscard]] http_response refuse(unsigned status, std::string_view why) override;

 private:
  struct admitted {
    web_match match;
    std::shared_ptr<const key_holder> caller;
    std::optional<http_response> refusal;
  };
  [[nodiscard]] admitted admit(const http_request& head) const;
  [[nodiscard]] std::optional<http_response> check_origin(const http_request& head,
                                                          bool has_key) const;
  [[nodiscard]] bool is_allowed_origin(std::string_view origin, std::string_view host) const;
  /// Of a page of another origin that may ask; empty: it is none.
  [[nodiscard]] std::string_view foreign_origin(const http_request& head) const;
  [[nodiscard]] std::optional<http_response> preflight(const http_request& head) const;

  std::shared_ptr<web_parts> parts_;
  std::vector<web_route> routes_;
};

}  // namespace tandem
