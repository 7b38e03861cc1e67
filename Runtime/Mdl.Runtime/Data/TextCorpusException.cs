namespace Mdl.Runtime.Data;

/// <summary>A text cannot be trained on. The message is one line that names the file or folder.</summary>
public sealed class TextCorpusException : IOException
{
    /// <summary>Creates the exception.</summary>
    public TextCorpusException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public TextCorpusException(string message, Exception? inner)
        : base(message, inner)
    {
    }
}
