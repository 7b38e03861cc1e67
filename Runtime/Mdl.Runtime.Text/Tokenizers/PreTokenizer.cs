namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>Cuts text into the pieces within which tokens are merged.</summary>
/// <param name="patterns">Each cuts the pieces of the one before.</param>
/// <param name="addsSpace">Whether text that does not begin with white space gets a space in front.</param>
internal sealed class PreTokenizer(IReadOnlyList<SplitPattern> patterns, bool addsSpace)
{
    public (string Text, List<Range> Pieces) Split(string text)
    {
        if (addsSpace && text.Length > 0 && !char.IsWhiteSpace(text[0]))
        {
            text = " " + text;
        }

        List<Range> pieces = text.Length == 0 ? [] : [Range.All];
        foreach (var pattern in patterns)
        {
            var finer = new List<Range>();
            foreach (var piece in pieces)
            {
                pattern.Split(text, piece, finer);
            }

            pieces = finer;
        }

        return (text, pieces);
    }
}
