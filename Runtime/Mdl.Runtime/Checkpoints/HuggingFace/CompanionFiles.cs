namespace Mdl.Runtime.Checkpoints;

/// <summary>What lies beside the weights of a published checkpoint and goes with them: tokenizer, chat template, defaults of sampling, code, licence.</summary>
internal static class CompanionFiles
{
    private static readonly string[] Extensions = [".json", ".jinja", ".model", ".py"];
    private static readonly string[] Names = ["LICENSE", "NOTICE", "merges.txt", "vocab.txt"];

    /// <summary>Copies them. The configuration and the list of weights are not among them: a save writes its own. Nor is the model card, which tells of other weights.</summary>
    public static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from))
        {
            var name = Path.GetFileName(file);
            if (name != "config.json" && !name.EndsWith(".index.json", StringComparison.Ordinal)
                && (Extensions.Contains(Path.GetExtension(name)) || Names.Any(n => name.StartsWith(n, StringComparison.OrdinalIgnoreCase))))
            {
                File.Copy(file, Path.Combine(to, name), overwrite: true);
            }
        }
    }
}
