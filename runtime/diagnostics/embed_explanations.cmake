# cmake -DFOLDER=explanations -DOUTPUT=explanations.inc -P embed_explanations.cmake
# One row {"E0001", R"..."}, for each page.
file(GLOB pages "${FOLDER}/*.md")
list(SORT pages)
set(rows "")
foreach(page ${pages})
  get_filename_component(code "${page}" NAME_WE)
  file(READ "${page}" text)
  string(APPEND rows "{\"${code}\", R\"upg_page(${text})upg_page\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "${rows}")
