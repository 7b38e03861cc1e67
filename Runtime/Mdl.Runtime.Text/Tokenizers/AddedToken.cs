namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>A token that is found in the text before it is cut and merged.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Content">Its characters.</param>
/// <param name="IsSpecial">Whether it is markup rather than text.</param>
/// <param name="TakesLeft">Whether it takes the white space before it too ("lstrip").</param>
/// <param name="TakesRight">Whether it takes the white space behind it too ("rstrip").</param>
/// <param name="IsNormalized">Whether it is looked for after normalisation.</param>
public sealed record AddedToken(int Id, string Content, bool IsSpecial, bool TakesLeft = false, bool TakesRight = false, bool IsNormalized = false);
