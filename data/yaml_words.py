"""What a YAML reader complains of, in Chinese."""

from __future__ import annotations

_SAID = {
    "mapping values are not allowed": "多了一个冒号，或值里的冒号没有加引号",
    "did not find expected key": "缺少名称，或缩进不齐",
    "did not find expected ',' or ']'": "方括号没有配对，或缺少逗号",
    "did not find expected ',' or '}'": "花括号没有配对，或缺少逗号",
    "did not find expected '-' indicator": "列表项的缩进不齐",
    "did not find expected <document start>": "一个文件只能有一份内容",
    "did not find expected node content": "缺少值",
    "could not find expected ':'": "缺少冒号",
    "cannot start any token": "有不能用来开头的字符（制表符、@ 或 `），请改用空格缩进或加引号",
    "found unexpected end of stream": "引号没有配对",
    "found undefined alias": "引用了没有定义的 * 名称",
    "undefined alias": "引用了没有定义的 * 名称",
    "could not determine a constructor": "有不允许的 ! 标签",
    "found unknown escape character": "引号里有不认识的反斜线写法",
    "block sequence entries are not allowed": "这里不能写列表项",
    "control characters are not allowed": "有看不见的控制字符",
    "tab": "用了制表符，请改用空格",
}


def yaml_words(problem: str | None) -> str:
    """The complaint in Chinese where it is one of the usual ones, else as it came."""
    text = problem or ""
    return next((words for said, words in _SAID.items() if said in text), text or "写法不合 YAML")
