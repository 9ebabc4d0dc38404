"""The language of playbooks: YAML with positions, conditions over facts, words with holes, strict JSON."""
