namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>A file of a tokenizer cannot be used; the message names the file, the key and what it says.</summary>
public sealed class TokenizerException(string message, Exception? inner = null) : Exception(message, inner);
