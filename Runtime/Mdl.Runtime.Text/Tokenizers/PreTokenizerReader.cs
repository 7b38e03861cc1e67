using System.Text.RegularExpressions;

namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>Reads "pre_tokenizer": ByteLevel, Split, or a sequence of them that ends in ByteLevel.</summary>
internal static class PreTokenizerReader
{
    public static PreTokenizer Read(JsonNodeReader root)
    {
        var node = root.Object("pre_tokenizer");
        List<JsonNodeReader> steps = node.Text("type") == "Sequence" ? [.. node.Items("pretokenizers")] : [node];
        if (steps.Count == 0 || steps[^1].Text("type") != "ByteLevel")
        {
            throw node.Error("does not end in a step of type 'ByteLevel'");
        }

        var patterns = steps.SkipLast(1).Select(Split).ToList();
        var last = steps[^1];
        if (last.Flag("use_regex", true))
        {
            patterns.Add(new SplitPattern(SplitPattern.Gpt2));
        }

        var addsSpace = last.Flag("add_prefix_space", true);
        return addsSpace && steps.Count > 1
            ? throw last.Error("has add_prefix_space true behind other steps, which is not supported")
            : new PreTokenizer(patterns, addsSpace);
    }

    private static SplitPattern Split(JsonNodeReader step)
    {
        step.Require("type", "Split");
        step.Require("behavior", "Isolated");
        var pattern = step.Object("pattern");
        if (pattern.OptionalText("String") is { } literal)
        {
            return new SplitPattern(Regex.Escape(literal));
        }

        try
        {
            return new SplitPattern(pattern.Text("Regex"));
        }
        catch (ArgumentException exception)
        {
            throw pattern.Error($"has the Regex '{pattern.Text("Regex")}', which is not supported: {exception.Message}");
        }
    }
}
