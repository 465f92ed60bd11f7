#include "http/field_id.hpp"

namespace fusegate::http {

FieldId field_id(std::string_view name) {
  if (name.find('_') == std::string_view::npos) {
    return usual_field_id(name);
  }
  // A longer name can only be one of a group, which its beginning tells.
  std::array<char, 2 * detail::kLongest> folded;
  const std::size_t size = std::min(name.size(), folded.size());
  std::ranges::replace_copy(name.substr(0, size), folded.begin(), '_', '-');
  const FieldId id = usual_field_id({folded.data(), size});
  return id == FieldId::Other ? id : FieldId::Lookalike;
}

}  // namespace fusegate::http
